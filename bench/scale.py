"""What grows with a batch and what does not: `python -m bench.scale [--quick]`.

1. Batches of 1,000, 10,000 and 100,000 lines (in Azure's dialect, which allows the last one), and one of 100,000 lines
   and 200 MB: CPU per line, rate, peak memory, and how long `GET` of the batch and small uploads take while it runs.
2. Two hundred batches at once.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.memory import Peak
from bench.programs import ENDED, KEY, Mock, Service, chat_line, jsonl
from bench.report import print_table, run_alone, spread
from bench.throughput import cpu_seconds

AZURE = {"api-version": "2024-10-21"}
CONCURRENCY = 64
LATENCY_MS = 10
POLL_SECONDS = 0.25
POLLS_PER_UPLOAD = 4
SIZES = ((1_000, 400), (10_000, 400), (100_000, 400), (100_000, 1_800))  # lines, characters
MANY_BATCHES = 200
MANY_LINES = 50
SMALL_FILE = jsonl(*(chat_line(n, url="/chat/completions") for n in range(20)))


@contextmanager
def running() -> Iterator[tuple[Service, httpx.Client]]:
    """A service of its own on a mock of its own, and a client that speaks Azure's dialect."""
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", str(LATENCY_MS))
        mock.start()
        service = Service(Path(folder), mock.url, deployment={"max_concurrency": CONCURRENCY})
        service.start()
        try:
            headers = {"api-key": KEY}
            with httpx.Client(base_url=f"{service.url}/openai", headers=headers, params=AZURE, timeout=600) as client:
                service.run(jsonl(*(chat_line(n) for n in range(400))))  # warm: workers import on their first call
                yield service, client
        finally:
            service.stop()
            mock.stop()


def upload(client: httpx.Client, data: bytes) -> str:
    files = {"file": ("input.jsonl", data, "application/jsonl")}
    uploaded: str = client.post("/files", data={"purpose": "batch"}, files=files).raise_for_status().json()["id"]
    return uploaded


def create(client: httpx.Client, file_id: str) -> str:
    body = {"input_file_id": file_id, "endpoint": "/chat/completions", "completion_window": "24h"}
    created: str = client.post("/batches", json=body).raise_for_status().json()["id"]
    return created


def one_batch(lines: int, characters: int) -> dict[str, Any]:
    """A batch of so many lines by itself, each asking in so many characters and some."""
    with running() as (service, client):
        text = "x" * characters
        data = jsonl(*(chat_line(n, f"question {n} {text}", url="/chat/completions") for n in range(lines)))
        file_id = upload(client, data)
        peak = Peak(service)
        cpu, since = cpu_seconds(service), time.perf_counter()
        batch_id = create(client, file_id)
        gets, uploads, batch = _poll(client, batch_id)
        seconds, cpu = time.perf_counter() - since, cpu_seconds(service) - cpu
        assert batch["request_counts"]["completed"] == lines, batch
        return {
            "lines": lines,
            "megabytes": len(data) / 1e6,
            "per_second": lines / seconds,
            "cpu_ms": cpu / lines * 1e3,
            "peak_mib": peak.stop(),
            "get_ms": statistics.median(gets) * 1e3,
            "upload_ms": statistics.median(uploads) * 1e3,
        }


def _poll(client: httpx.Client, batch_id: str) -> tuple[list[float], list[float], dict[str, Any]]:
    """Seconds that each look at the batch and each small upload took until it ended, and the batch."""
    gets: list[float] = []
    uploads: list[float] = []
    while True:
        since = time.perf_counter()
        batch: dict[str, Any] = client.get(f"/batches/{batch_id}").raise_for_status().json()
        gets.append(time.perf_counter() - since)
        if batch["status"] in ENDED:
            return gets, uploads, batch
        if len(gets) % POLLS_PER_UPLOAD == 1:
            since = time.perf_counter()
            upload(client, SMALL_FILE)
            uploads.append(time.perf_counter() - since)
        time.sleep(POLL_SECONDS)


def many_batches(count: int) -> dict[str, Any]:
    """So many batches created at once, each of MANY_LINES lines: until the last one has completed."""
    with running() as (service, client):
        data = jsonl(*(chat_line(n, url="/chat/completions") for n in range(MANY_LINES)))
        file_id = upload(client, data)
        peak = Peak(service)
        cpu, since = cpu_seconds(service), time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(lambda _: create(client, file_id), range(count)))
        created = time.perf_counter() - since
        lasted = [_until_ended(client, batch_id, since) for batch_id in ids]
        return {
            "batches": count,
            "lines_each": MANY_LINES,
            "create_seconds": created,
            "seconds": max(lasted),
            "cpu_ms_per_batch": (cpu_seconds(service) - cpu) / count * 1e3,
            "peak_mib": peak.stop(),
        }


def _until_ended(client: httpx.Client, batch_id: str, since: float) -> float:
    while (batch := client.get(f"/batches/{batch_id}").raise_for_status().json())["status"] not in ENDED:
        time.sleep(0.1)
    assert batch["request_counts"]["completed"] == MANY_LINES, batch
    return time.perf_counter() - since


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    sizes = [one_batch(*size) for size in (SIZES[:2] if quick else SIZES)]
    many = many_batches(50 if quick else MANY_BATCHES)
    heads = ["lines", "MB", "lines/s", "CPU ms/line", "peak MiB", "GET ms", "upload ms"]
    print_table("One batch, larger and larger", heads, [list(size.values()) for size in sizes])
    heads = ["batches", "lines each", "created s", "all completed s", "CPU ms/batch", "peak MiB"]
    print_table("Many batches at once", heads, [list(many.values())])
    return {"sizes": sizes, "cpu_ms": spread([size["cpu_ms"] for size in sizes]), "many": many}


if __name__ == "__main__":
    run_alone(run, __doc__)
