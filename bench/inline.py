"""Requests in the create call beside the same file uploaded, and results read while a batch runs.

    python -m bench.inline [--requests 100000] [--lines 50000]

One local host for each way, on the mock upstream: seconds from the first byte to the batch's answer, and how much the
host's memory rises meanwhile. Then a batch by itself and one whose results are followed, in turn, of which the ratio
counts: machines differ, ratios do not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import psutil

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from bench.report import Cell, print_table

SETTINGS = {"BATCH_MAX_REQUESTS_OPENAI": "200000"}
HEADERS = {"authorization": f"Bearer {KEY}"}
CALL = b'{"endpoint":"/v1/chat/completions","completion_window":"24h","requests":['


class Cost(NamedTuple):
    """Of one way to create a batch."""

    seconds: float
    mib: float


def measured(service: Service, create: Callable[[], httpx.Response]) -> Cost:
    """The rise is that of the host process alone, looked at every 10 ms."""
    assert service.process
    host = psutil.Process(service.process.pid)
    before = most = host.memory_info().rss
    started = time.monotonic()
    thread = threading.Thread(target=lambda: create().raise_for_status())
    thread.start()
    while thread.is_alive():
        most = max(most, host.memory_info().rss)
        time.sleep(0.01)
    return Cost(time.monotonic() - started, (most - before) / 2**20)


def created_inline(service: Service, lines: list[bytes]) -> httpx.Response:
    body = CALL + b",".join(lines) + b"]}"
    return httpx.post(f"{service.url}/v1/batches", content=body, headers=HEADERS, timeout=600)


def created_by_upload(service: Service, lines: list[bytes]) -> httpx.Response:
    file = httpx.post(
        f"{service.url}/v1/files",
        files={"file": ("in.jsonl", b"\n".join(lines))},
        data={"purpose": "batch"},
        headers=HEADERS,
        timeout=600,
    )
    call = {"input_file_id": file.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return httpx.post(f"{service.url}/v1/batches", json=call, headers=HEADERS, timeout=600)


def started(stack: ExitStack, *arguments: str) -> tuple[Mock, Service]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    mock = Mock(folder, *arguments)
    mock.start()
    stack.callback(mock.stop)
    service = Service(folder, mock.url, deployment={"max_concurrency": 64}, **SETTINGS)
    service.start()
    stack.callback(service.stop)
    return mock, service


def creation(count: int) -> list[list[Cell]]:
    lines = [msgspec.json.encode(chat_line(number, "x" * 800)) for number in range(count)]
    rows = list[list[Cell]]()
    for name, create in (("uploaded", created_by_upload), ("in the call", created_inline)):
        with ExitStack() as stack:
            _, service = started(stack, "--latency-ms", "5000")
            create(service, lines[:10]).raise_for_status()
            cost = measured(service, partial(create, service, lines))
            rows.append([name, round(cost.seconds, 2), round(cost.mib)])
    return rows


class Followed(NamedTuple):
    """Lines that were read before the end, and the seconds until the first of them was there."""

    lines: int
    first_seconds: float


def follow(service: Service, batch_id: str, is_over: threading.Event) -> Followed:
    after, first, began = 0, 0.0, time.monotonic()
    with httpx.Client(headers=HEADERS, timeout=60) as client:
        while not is_over.is_set():
            query = {"after": after, "limit": 50_000}
            page = client.get(f"{service.url}/v1/batches/{batch_id}/results", params=query)
            if page.status_code == httpx.codes.OK:
                after = int(page.headers["x-last-line"])
                first = first or (time.monotonic() - began if after else 0.0)
            time.sleep(0.5)
    return Followed(after, first)


def run(service: Service, data: bytes, *, is_followed: bool) -> tuple[float, Followed | None]:
    """Seconds that the batch was in progress."""
    batch_id, over, found = service.create(service.upload(data)), threading.Event(), list[Followed]()
    reader = threading.Thread(target=lambda: found.append(follow(service, batch_id, over)))
    if is_followed:
        reader.start()
    batch = service.wait(batch_id, seconds=1_200, pause=0.2)
    over.set()
    if is_followed:
        reader.join()
    return batch.completed_at - batch.in_progress_at, found[0] if found else None


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--lines", type=int, default=50_000)
    options = parser.parse_args(arguments)
    print_table("Creating a batch", ["requests", "seconds", "MiB more"], creation(options.requests))
    data = jsonl(*(chat_line(number) for number in range(options.lines)))
    with ExitStack() as stack:
        _, service = started(stack, "--latency-ms", "20")
        alone, _ = run(service, data, is_followed=False)
        beside, followed = run(service, data, is_followed=True)
        again, _ = run(service, data, is_followed=False)
    assert followed
    alone = (alone + again) / 2
    rows = list[list[Cell]]()
    rows += [["alone", alone, None], ["followed", beside, followed.lines], ["ratio", round(alone / beside, 3), None]]
    print_table("Results read while a batch runs", ["a batch", "seconds", "lines read before its end"], rows)
    print(f"first result read after {followed.first_seconds:.2f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
