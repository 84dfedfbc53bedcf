"""Runs whose messages were lost, in Azure's own host: they never end and never go on, and nobody has to press anything."""

from __future__ import annotations

import time

import pytest

from bench.programs import Mock, chat_line, jsonl
from tests.azure_host.conftest import Instances
from tests.azure_host.instance import Instance
from tests.azure_host.lost_messages import forget_start, lose_messages
from tests.azure_host.test_short_work import until

LINES = 2_000
CONCURRENCY = 16
# Per batch, as after any kill (ARCHITECTURE.md): what was in flight, and per lane what was not yet in the journal.
BOUND = CONCURRENCY + 4 * 2 * 64
STUCK_SECONDS = 100.0  # In place of three minutes.
HEALED_SECONDS = STUCK_SECONDS + 120  # Two looks of the timer, and the lines that were left.
pytestmark = pytest.mark.timeout(900)


def started(service: Instance, name: str) -> str:
    return service.create(service.upload(jsonl(*(chat_line(number, f"{name} {number}") for number in range(LINES)))))


def test_runs_without_messages_heal(instances: Instances, upstream: Mock) -> None:
    """One `Running` for ever, one `Pending`: both are ended with their lanes and started anew, and complete within the bound."""
    service = instances(deployment={"max_concurrency": CONCURRENCY}, BATCH_STUCK_SECONDS=f"{STUCK_SECONDS}")
    service.start()
    storage = service.environment["AzureWebJobsStorage"]
    batches = {name: started(service, name) for name in ("running", "pending")}
    until(lambda: upstream.stats()["requests"] > 600)
    service.kill_all()
    lose_messages(storage)
    forget_start(storage, batches["pending"].removeprefix("batch_"))
    service.start()
    began = time.monotonic()
    statuses = {
        name: service.status(batch_id.removeprefix("batch_"))["runtimeStatus"] for name, batch_id in batches.items()
    }
    ended = {name: service.wait(batch_id, seconds=HEALED_SECONDS + 60) for name, batch_id in batches.items()}
    seconds = time.monotonic() - began
    again = upstream.stats()["requests"] - upstream.stats()["distinct_prompts"]
    print(f"\nboth completed {seconds:.0f} s after the host was back; {again} requests sent again")

    assert statuses == {"running": "Running", "pending": "Pending"}
    for batch in ended.values():
        assert ("completed", LINES) == (batch.status, batch.request_counts.completed)
        assert [f"c{number}" for number in range(LINES)] == [
            line["custom_id"] for line in service.lines(batch.output_file_id)
        ]
        assert service.alive(f"{batch.id.removeprefix('batch_')}:") == []
    assert seconds < HEALED_SECONDS
    assert again <= 2 * BOUND
