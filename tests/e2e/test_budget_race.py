"""Fifty creates at once over HTTP against one limit: no more is spent than it says, whoever asks first."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.mock_answers import tokens_of
from bench.programs import KEY, Mock, Service, chat_line, jsonl

CREATES = 50
FIT = 10
TEXT = "a question of forty characters, or so"
SAID = tokens_of(TEXT)[1]
PRICE = {"input": 0, "output": 10_000}  # A cent for each token of an answer, USD.
CODE = "project_spend_limit_exceeded"
LIMITS = {"project": "/organization/projects/proj_default/spend_limit", "organization": "/organization/spend_limit"}


@pytest.fixture
def service(tmp_path: Path, mock: Mock) -> Iterator[Service]:
    """Where nobody has spent anything."""
    program = Service(tmp_path, mock.url, deployment={"price": PRICE})
    program.start()
    yield program
    program.stop()


def one_line() -> bytes:
    """A request that may say as much as it will, so that what is reserved is what it costs."""
    line = chat_line(1, TEXT)
    return jsonl({**line, "body": {**line["body"], "max_tokens": SAID}})


async def ended(client: httpx.AsyncClient, batch_id: str) -> dict[str, Any]:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        batch: dict[str, Any] = (await client.get(f"/batches/{batch_id}")).raise_for_status().json()
        if batch["status"] in ("completed", "failed", "cancelled", "expired"):
            return batch
        await asyncio.sleep(0.2)
    raise AssertionError(f"{batch_id} does not end")


def outcome(answer: dict[str, Any]) -> str:
    """Of a batch that has ended, or of a create call that was refused."""
    if answer.get("error"):
        return str(answer["error"]["code"])
    return str(answer["errors"]["data"][0]["code"]) if answer["status"] == "failed" else str(answer["status"])


@pytest.mark.parametrize("limit", LIMITS)
async def test_as_many_run_as_the_limit_pays_for(service: Service, limit: str) -> None:
    """Ten of fifty, to the cent; every other is refused with the code of the limit, by the call or after validation."""
    file_id = service.upload(one_line(), "one.jsonl")
    body = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=f"{service.url}/v1", headers=headers, timeout=120) as client:
        month = {"currency": "USD", "interval": "month", "threshold_amount": FIT * SAID}
        (await client.post(LIMITS[limit], json=month)).raise_for_status()
        created = await asyncio.gather(*(client.post("/batches", json=body) for _ in range(CREATES)))
        answers = [answer.json() for answer in created]
        made = [answer["id"] for answer in answers if "id" in answer]
        batches = await asyncio.gather(*(ended(client, batch_id) for batch_id in made))
        refused = [answer for answer in answers if "id" not in answer]
        found = (await client.get(LIMITS[limit])).json()
        late = await client.post("/batches", json=body)

    assert {answer.status_code for answer in created} <= {200, 429}
    assert Counter(map(outcome, [*batches, *refused])) == {"completed": FIT, CODE: CREATES - FIT}
    assert found["used"] == {"value": FIT * SAID / 100, "currency": "USD"}
    assert (found["enforcement"], late.status_code, outcome(late.json())) == ({"status": "enforcing"}, 429, CODE)
