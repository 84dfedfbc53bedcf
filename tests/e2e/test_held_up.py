"""A batch that does not get on says why, to whoever asks for it with an ordinary SDK."""

from __future__ import annotations

import time
from typing import Any

from bench.programs import Service, chat_line, jsonl


def test_a_refused_credential_is_told(service: Service) -> None:
    """The upstream answers 401 to everything: the batch pauses, and tells its owner who has to do what."""
    lines = (chat_line(n, f"[[status=401]] h{n}") for n in range(200))
    batch_id = service.create(service.upload(jsonl(*lines)))
    with service.openai as client:
        found, asked_at = _held_up(client, batch_id)
        client.batches.cancel(batch_id)
        batch = service.wait(batch_id)

    assert "The operator has to correct the api_key" in found["reason"]
    assert 0 <= found["until"] - asked_at < 60
    assert batch.status == "cancelled"


def _held_up(client: Any, batch_id: str) -> tuple[dict[str, Any], int]:
    """What is said, and when that was asked for."""
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        asked_at = int(time.time())
        progress = client.batches.retrieve(batch_id).to_dict().get("progress", {})
        if "held_up" in progress and progress["held_up"]["until"]:
            return dict(progress["held_up"]), asked_at
        time.sleep(0.1)
    raise AssertionError("The batch never said why it waits.")
