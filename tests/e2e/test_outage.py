"""An upstream that is away when a batch begins, and comes back: no line pays for it, whatever the size of the batch."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from tests.starved import stretched

AWAY_SECONDS = 12.0
BACK_SECONDS = 30.0  # From the upstream's return to the first answer, at most.


@pytest.fixture
def upstream(tmp_path: Path) -> Mock:
    """Not started: its port refuses connections until then."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    mock = Mock(tmp_path)
    mock.arguments[mock.arguments.index("0")] = str(port)
    mock.url = f"http://127.0.0.1:{port}"
    return mock


@pytest.fixture
def service(tmp_path: Path, upstream: Mock) -> Iterator[Service]:
    """With all defaults."""
    program = Service(tmp_path, upstream.url)
    program.start()
    yield program
    program.stop()


@pytest.mark.parametrize("lines", [1, 40])
def test_a_batch_waits_for_its_upstream(service: Service, upstream: Mock, lines: int) -> None:
    """It says why from the first moment, and goes on soon after the upstream is there."""
    batch_id = service.create(service.upload(jsonl(*(chat_line(n) for n in range(lines)))))
    with service.openai as client:
        while client.batches.retrieve(batch_id).status == "validating":  # the first call of all: workers start
            time.sleep(0.05)
        began = time.monotonic()
        while "held_up" not in (progress := client.batches.retrieve(batch_id).to_dict().get("progress", {})):
            assert time.monotonic() - began < stretched(5)
            time.sleep(0.1)
    time.sleep(AWAY_SECONDS)
    upstream.start()
    back = time.monotonic()
    try:
        batch = service.wait(batch_id, seconds=stretched(BACK_SECONDS))
    finally:
        upstream.stop()
    print(f"{lines} lines, away for {AWAY_SECONDS:.0f} s: completed {time.monotonic() - back:.1f} s after its return")

    assert "cannot be reached" in progress["held_up"]["reason"]
    assert ("completed", lines) == (batch.status, batch.request_counts.completed)
