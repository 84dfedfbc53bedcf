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
LINES = 7000
LINES_OF_THE_REST = 2000
SETTLED_SECONDS = 10.0  # After so long, the others do what they can.
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
    """With all four as `m`, and with the last two alone as `rest`."""
    targets = [
        {"name": f"t{n}", "base_url": f"{mock.url}/v1", "max_concurrency": IN_FLIGHT} for n, mock in enumerate(mocks)
    ]
    deployments = {"m": {"targets": targets}, "rest": {"targets": targets[2:]}}
    program = Service(tmp_path, mocks[0].url, BATCH_DEPLOYMENTS=json.dumps(deployments))
    program.start()
    yield program
    program.stop()


def answers(mocks: list[Mock]) -> int:
    return sum(mock.stats()["answers"].get("200", 0) for mock in mocks)


def rate(mocks: list[Mock], seconds: float) -> float:
    """Answers in a second, over so many."""
    before, began = answers(mocks), time.monotonic()
    time.sleep(seconds)
    return (answers(mocks) - before) / (time.monotonic() - began)


def test_two_of_four_die(service: Service, mocks: list[Mock]) -> None:
    """No line fails, the others go on at their full rate, one that comes back does its part."""
    asked = ({"model": "rest", "messages": [{"role": "user", "content": f"r{n}"}]} for n in range(LINES_OF_THE_REST))
    batch_id = service.create(service.upload(jsonl(*(chat_line(n, body=body) for n, body in enumerate(asked)))))
    while answers(mocks) < 200:
        time.sleep(0.05)
    of_the_rest = rate(mocks[2:], 8.0)
    service.wait(batch_id)

    batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(LINES)))))
    while mocks[0].stats()["requests"] < 400:
        time.sleep(0.05)
    for mock in mocks[:2]:
        mock.arguments[mock.arguments.index("0")] = mock.url.rpartition(":")[2]
        mock.kill()
    time.sleep(SETTLED_SECONDS)
    after = rate(mocks[2:], 8.0)
    with service.openai as client:
        held_up = client.batches.retrieve(batch_id).to_dict()["progress"]["held_up"]
    mocks[0].start()
    back = time.monotonic()
    while mocks[0].stats()["peak_in_flight"] < IN_FLIGHT:
        assert time.monotonic() - back < stretched(BACK_SECONDS)
        time.sleep(0.1)
    took = time.monotonic() - back
    mocks[1].start()
    batch = service.wait(batch_id)
    print(f"the rest alone {of_the_rest:.0f}/s, after the deaths {after:.0f}/s; back after {took:.1f} s")

    assert (batch.status, batch.request_counts.completed) == ("completed", LINES)
    assert after >= 0.95 * of_the_rest / stretched(1.0)  # Two moments of a busy machine differ by themselves.
    assert held_up["reason"].startswith("Target 't")
