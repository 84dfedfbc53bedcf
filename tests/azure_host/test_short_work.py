"""A small batch beside many large ones, on one instance of Azure's own host: it never waits for the end of a slice.

One that did would wait for minutes, each time. So the middle of several tries counts: what another process of the
machine takes once is not the service's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import pytest

from bench.programs import ENDED, Mock, chat_line, jsonl
from tests.azure_host.conftest import Instances
from tests.azure_host.instance import Instance
from tests.starved import stretched
from tests.webhook_receiver import receiving

BEGINS_SECONDS = 2.0
ENDS_SECONDS = 5.0
TRIES = 5
SMALL = jsonl(*(chat_line(number, "short") for number in range(10)))
SETTINGS = {"BATCH_WEBHOOK_ALLOW_HTTP": "true", "BATCH_WEBHOOK_ALLOW_PRIVATE": "true"}
pytestmark = pytest.mark.timeout(600)


def until(moment: Callable[[], bool], seconds: float = 240) -> float:
    """Seconds it took."""
    began = time.monotonic()
    while not moment():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def status(service: Instance, batch_id: str) -> str:
    with service.openai as client:
        return str(client.batches.retrieve(batch_id).status)


@pytest.mark.parametrize(("large", "lines"), [(2, 20_000), (12, 5_000)])
def test_a_small_batch_beside_large_ones(instances: Instances, upstream: Mock, large: int, lines: int) -> None:
    """Validation, results, webhook and cancel of a small batch begin within 2 s, and ten lines end within 5 s."""
    service = instances(deployment={"max_concurrency": 32}, **SETTINGS)
    service.start()
    with receiving() as receiver, service.openai as client:
        body = {"name": "here", "url": receiver.url, "event_types": ["batch.completed"]}
        client.post("/webhook_endpoints", body=body, cast_to=object)
        file_id = service.upload(jsonl(*(chat_line(number) for number in range(lines))))
        small_id = service.upload(SMALL)
        batches = [service.create(file_id) for _ in range(large)]
        until(lambda: all(status(service, batch) == "in_progress" for batch in batches), 120)
        time.sleep(3)
        seen = [_one(service, small_id, receiver.times) for _ in range(TRIES)]
        cancelled = [_cancelled(service, small_id) for _ in range(TRIES)]
        print(f"\nbeside {large} large batches: validated, ended, told after {seen} s; cancelled after {cancelled} s")
        assert {"in_progress"} == {status(service, batch) for batch in batches}

    validated, ended, told = (median(times) for times in zip(*seen, strict=True))
    assert validated < stretched(BEGINS_SECONDS)
    assert ended < stretched(ENDS_SECONDS)
    assert told < stretched(BEGINS_SECONDS)
    assert median(cancelled) < stretched(BEGINS_SECONDS)


def _one(service: Instance, file_id: str, told: list[float]) -> tuple[float, float, float]:
    """Seconds to the end of validation and to the end of the batch; and from there to its webhook."""
    before, batch_id = len(told), service.create(file_id)
    validated = until(lambda: status(service, batch_id) != "validating")
    ended = validated + until(lambda: status(service, batch_id) in ENDED)
    end = time.monotonic()
    until(lambda: len(told) > before)
    return round(validated, 2), round(ended, 2), round(max(0.0, told[before] - end), 2)


def _cancelled(service: Instance, file_id: str) -> float:
    """Seconds from the call to a batch that is cancelled."""
    batch_id = service.create(file_id)
    with service.openai as client:
        client.batches.cancel(batch_id)
    return round(until(lambda: status(service, batch_id) in ENDED), 2)
