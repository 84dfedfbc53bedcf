"""Four upstreams for one name, of which two die in mid-batch and one refuses one request in five."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from tests.starved import stretched

IN_FLIGHT = 16
LATENCY_MS = 200
LINES = 5000
GONE_ON = 100  # answers of each of the others after the deaths
BACK_SECONDS = 30.0  # From the return of one until it does its part.


@pytest.fixture
def mocks(tmp_path: Path) -> Iterator[list[Mock]]:
    """The last refuses one request in five."""
    found = []
    for number in range(4):
        (folder := tmp_path / str(number)).mkdir()
        mock = Mock(folder, "--latency-ms", str(LATENCY_MS), "--throttle", "0.2" if number == 3 else "0")
        mock.start()
        found.append(mock)
    yield found
    for mock in found:
        mock.stop()


@pytest.fixture
def service(tmp_path: Path, mocks: list[Mock]) -> Iterator[Service]:
    targets = [
        {"name": f"t{n}", "base_url": f"{mock.url}/v1", "max_concurrency": IN_FLIGHT} for n, mock in enumerate(mocks)
    ]
    program = Service(tmp_path, mocks[0].url, BATCH_DEPLOYMENTS=json.dumps({"m": {"targets": targets}}))
    program.start()
    yield program
    program.stop()


def answers(mock: Mock) -> int:
    return int(mock.stats()["answers"].get("200", 0))


def test_two_of_four_die(service: Service, mocks: list[Mock]) -> None:
    """No line fails, the others go on, one that comes back does its part. Rates: tests/faults, in a time without noise."""
    batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES)))))
    while mocks[0].stats()["requests"] < 400:
        time.sleep(0.05)
    for mock in mocks[:2]:
        mock.arguments[mock.arguments.index("0")] = mock.url.rpartition(":")[2]
        mock.kill()
    before = [answers(mock) for mock in mocks[2:]]
    while min(now - then for now, then in zip(map(answers, mocks[2:]), before, strict=True)) < GONE_ON:
        time.sleep(0.1)
    with service.openai as client:
        held_up = client.batches.retrieve(batch_id).to_dict()["progress"]["held_up"]
    mocks[0].start()
    back = time.monotonic()
    while mocks[0].stats()["peak_in_flight"] < IN_FLIGHT:
        assert time.monotonic() - back < stretched(BACK_SECONDS)
        time.sleep(0.1)
    mocks[1].start()
    batch = service.wait(batch_id)

    assert (batch.status, batch.request_counts.completed) == ("completed", LINES)
    assert held_up["reason"].startswith("Target 't")
