"""Cancel and expiry of a batch of 20,000 lines in mid-run: ended within seconds, with both files complete."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bench.programs import Mock, Service, chat_line, jsonl
from tests.starved import stretched

LINES = 20_000
WINDOW_SECONDS = 8
# The batch is still answering some hundred requests a second when it is told to stop: seconds, on a busy machine.
SECONDS_TO_END = 15


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("load")
    mock = Mock(folder, "--latency-ms", "100", "--jitter-ms", "100")
    mock.start()
    program = Service(folder, mock.url, BATCH_COMPLETION_WINDOWS=f"24h,{WINDOW_SECONDS}s")
    program.start()
    yield program
    program.stop()
    mock.stop()


@pytest.fixture(scope="module")
def input_file(service: Service) -> str:
    return service.upload(jsonl(*(chat_line(number) for number in range(LINES))))


def wait_for_progress(service: Service, batch_id: str) -> None:
    until = time.monotonic() + 240
    with service.openai as client:
        while client.batches.retrieve(batch_id).request_counts.completed < LINES // 20:
            assert time.monotonic() < until
            time.sleep(0.05)


def check_files(service: Service, batch: Any, code: str) -> None:
    """Every custom_id once, counts that agree, and in mid-run: neither file is empty."""
    output, error = service.lines(batch.output_file_id), service.lines(batch.error_file_id)
    numbers = [int(line["custom_id"][1:]) for line in output], [int(line["custom_id"][1:]) for line in error]

    assert list(range(LINES)) == sorted(numbers[0] + numbers[1])
    assert [sorted(found) for found in numbers] == list(numbers)
    assert {code} == {line["error"]["code"] for line in error}
    assert (LINES, len(output), 0) == (
        batch.request_counts.total,
        batch.request_counts.completed,
        batch.request_counts.failed,
    )
    assert 0 < len(output) < LINES


def test_cancel_under_load(service: Service, input_file: str) -> None:
    """`cancelled` within seconds of the call."""
    batch_id = service.create(input_file)
    wait_for_progress(service, batch_id)
    with service.openai as client:
        client.batches.cancel(batch_id)
    began = time.monotonic()
    batch = service.wait(batch_id)
    seconds = time.monotonic() - began
    print(f"\ncancelled after {batch.request_counts.completed} of {LINES} lines in {seconds:.1f} s")

    assert "cancelled" == batch.status
    check_files(service, batch, "batch_cancelled")
    assert seconds < stretched(SECONDS_TO_END)


def test_expiry_under_load(service: Service, input_file: str) -> None:
    """`expired` within seconds of the deadline, and not before."""
    batch = service.wait(service.create(input_file, completion_window=f"{WINDOW_SECONDS}s"))
    seconds = batch.expired_at - batch.expires_at
    print(f"\nexpired after {batch.request_counts.completed} of {LINES} lines, {seconds} s after the deadline")

    assert "expired" == batch.status
    check_files(service, batch, "batch_expired")
    assert 0 <= seconds < stretched(SECONDS_TO_END)
