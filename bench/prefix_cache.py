"""How many requests find their prefix in the upstream's prompt cache: `python -m bench.prefix_cache [--quick]`.

Files of 1,000 prefixes of 1,500 tokens with 20 lines each, shuffled and grouped by prefix, run through the service
against `bench/caching_upstream.py`: a server of one's own (room for 133 of the prefixes, a prefix is visible after a
twenty-fifth of an answer's time) and a hosted one (forgets after 60 times that time, visible after two fifths of it).
Time runs twenty times as fast as for answers of five seconds. The most possible is 0.95: of 20 lines one is first.
The same through eight servers of one's own for one name, each with a cache of its own. Each case is measured twice, one
right after the other: with leaders first and in the order of the file (`leaders_first: false`), when each request goes
to the server that has fewest.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import msgspec

from bench.caching_upstream import TOKEN_BYTES, Kind, Sums
from bench.programs import Program, Service, jsonl
from bench.report import load, print_table, run_alone
from bench.throughput import run_service

PREFIX_TOKENS, TAIL_TOKENS, LINES = 1500, 60, 20
LATENCY_MS = 250.0
KINDS = {
    "own server": Kind(latency_ms=LATENCY_MS, visible_ms=LATENCY_MS / 25, capacity_tokens=200_000),
    "hosted": Kind(
        latency_ms=LATENCY_MS,
        visible_ms=LATENCY_MS * 2 / 5,
        block_tokens=128,
        least_tokens=1024,
        ttl_seconds=LATENCY_MS * 60 / 1000,
    ),
}
UPSTREAMS = (("own server", 1), ("hosted", 1), ("own server", 8))  # And how many of them.
PRICE = {"input": 1.0, "cached_input": 0.1, "cache_write": 1.25, "output": 0}


def file_of(prefixes: int, *, grouped: bool) -> bytes:
    """As callers write it: the document as the system's message, a question as the user's."""
    dice = random.Random(7)
    lines = [(prefix, number) for prefix in range(prefixes) for number in range(LINES)]
    if not grouped:
        dice.shuffle(lines)
    return jsonl(*(_line(prefix, number) for prefix, number in lines))


def _line(prefix: int, number: int) -> dict[str, Any]:
    text = f"document {prefix}: " + "x" * (PREFIX_TOKENS * TOKEN_BYTES)
    messages = [
        {"role": "system", "content": text[: PREFIX_TOKENS * TOKEN_BYTES]},
        {"role": "user", "content": f"question {number}: " + "y" * (TAIL_TOKENS * TOKEN_BYTES)},
    ]
    body = {"model": "m", "messages": messages}
    return {"custom_id": f"{prefix}-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def measure(kind: str, in_flight: int, data: bytes, lines: int, *, replicas: int = 1, **deployment: Any) -> list[Any]:
    """Requests that found their prefix, requests a second while the upstream was asked, CPU, and our own word."""
    with tempfile.TemporaryDirectory() as name, started(Path(name), kind, replicas) as mocks:
        each = in_flight // replicas
        targets = [{"base_url": f"{mock.url}/v1", "max_concurrency": each} for mock in mocks]
        service = Service(
            Path(name),
            "",
            BATCH_DEPLOYMENTS=msgspec.json.encode({"m": {"targets": targets, "price": PRICE, **deployment}}).decode(),
            BATCH_MAX_INPUT_BYTES_OPENAI="500000000",
        )
        service.start()
        try:
            figures = run_service(service, data, lines)
            with service.openai as client:
                batch: dict[str, Any] = client.batches.list(limit=1).data[0].to_dict()
            sums: list[Sums] = [
                msgspec.json.decode(httpx.get(f"{mock.url}/__cache", timeout=60).content, type=Sums) for mock in mocks
            ]
        finally:
            service.stop()
    cached = sum(each.cached_tokens for each in sums)
    assert batch["usage"]["input_tokens_details"]["cached_tokens"] == cached, (batch, sums)
    requests, hits = sum(each.requests for each in sums), sum(each.hits for each in sums)
    per_second = requests / (max(each.last_at for each in sums) - min(each.first_at for each in sums))
    return [hits / requests, per_second, figures.cpu_ms, batch["cache"]["share"], batch["cache"]["saved"]]


@contextmanager
def started(folder: Path, kind: str, replicas: int) -> Iterator[list[Program]]:
    """So many mocks, each with a cache of its own."""
    asked = msgspec.json.encode(KINDS[kind]).decode()
    mocks = [Program(["bench.caching_upstream", "--kind", asked], folder / f"{n}.log") for n in range(replicas)]
    try:
        for mock in mocks:
            mock.start()
        yield mocks
    finally:
        for mock in mocks:
            if mock.process:
                mock.stop()


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show, each case with leaders first and in the order of the file, one right after the other."""
    prefixes, concurrencies = (200, (64,)) if quick else (1000, (64, 256))
    rows = list[list[Any]]()
    for grouped in (False, True):
        data = file_of(prefixes, grouped=grouped)
        for (kind, replicas), in_flight in product(UPSTREAMS, concurrencies):
            for first in (True, False):
                order = "leaders first" if first else "of the file"
                case = [kind, replicas, in_flight, "grouped" if grouped else "shuffled", order]
                found = measure(kind, in_flight, data, prefixes * LINES, replicas=replicas, leaders_first=first)
                rows.append([*case, *found])
                print(*rows[-1], f"load {load()}", flush=True)
    what = ["hits", "req/s", "CPU ms a line", "from the cache", "saved $"]
    heads = ["upstream", "servers", "in flight", "file", "order", *what]
    print_table(f"{prefixes:,} prefixes of {LINES} lines", heads, rows)
    return {"cells": [dict(zip(heads, row, strict=True)) for row in rows]}


if __name__ == "__main__":
    run_alone(run, __doc__)
