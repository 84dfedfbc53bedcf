"""Two upstreams for one name on Azure's own host, of which one dies in mid-batch and comes back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bench.programs import Mock, chat_line, jsonl
from tests.azure_host.conftest import Instances
from tests.azure_host.instance import Instance

LINES = 8000
IN_FLIGHT = 16
pytestmark = pytest.mark.timeout(600)


def progress(service: Instance, batch_id: str) -> dict[str, Any]:
    with service.openai as client:
        batch = client.batches.retrieve(batch_id)
    assert batch.status == "in_progress"
    found: dict[str, Any] = batch.to_dict()["progress"]  # type: ignore[assignment]
    return found


def test_one_of_two_dies(instances: Instances, upstream: Mock, tmp_path: Path) -> None:
    """The other does the work, the batch says who is missing, no line fails, and the one that comes back is asked."""
    (folder := tmp_path / "dying").mkdir()
    dying = Mock(folder, "--latency-ms", "50")
    dying.start()
    targets = [
        {"name": name, "base_url": f"{mock.url}/v1", "max_concurrency": IN_FLIGHT}
        for name, mock in (("dying", dying), ("well", upstream))
    ]
    service = instances(BATCH_DEPLOYMENTS=json.dumps({"m": {"targets": targets}}))
    service.start()
    batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES)))))
    while dying.stats()["requests"] < 200:
        time.sleep(0.05)
    dying.arguments[dying.arguments.index("0")] = dying.url.rpartition(":")[2]
    dying.kill()
    while (said := progress(service, batch_id))["targets"][0]["status"] == "ok":
        time.sleep(0.1)
    dying.start()
    batch = service.wait(batch_id)
    asked_again = dying.stats()["requests"]
    dying.stop()

    assert (batch.status, batch.request_counts.completed) == ("completed", LINES)
    assert {each["name"]: each["status"] for each in said["targets"]} == {"dying": "paused", "well": "ok"}
    assert said["held_up"]["reason"].startswith("Target 'dying'")
    assert asked_again > 0
