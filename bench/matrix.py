"""Throughput over concurrency and upstream latency, as a share of the bare loop: `python -m bench.matrix [--quick]`.

Bare loop and batch take turns on the same mock, with bodies of one size. Two shares are shown: of the whole batch, from
the create call to `completed`, and of the time between its first request and its last answer. What lies between them is
the fixed cost of a batch, which is also measured by itself, with one line.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bare_loop import Figures, run_bare_loop
from bench.programs import Mock, Service, chat_line, jsonl
from bench.report import print_table, run_alone
from bench.throughput import run_service

CONCURRENCIES = (16, 64, 256, 512)
LATENCIES_MS = (0, 50, 500)
EXPECTED_PER_SECOND = 1500  # What the machine is thought to do; only decides how many lines a cell gets.
FIXED_COST_ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Round:
    """One turn of each; `steady_seconds` is from the batch's first request to its last answer."""

    bare: Figures
    batch: Figures
    steady_seconds: float

    @property
    def share(self) -> float:
        return self.batch.per_second / self.bare.per_second

    @property
    def steady_share(self) -> float:
        return self.batch.requests / self.steady_seconds / self.bare.per_second


def lines_for(concurrency: int, latency_ms: int, seconds: float) -> int:
    """Lines that take about `seconds`."""
    ceiling = concurrency / (latency_ms / 1000) if latency_ms else EXPECTED_PER_SECOND
    return int(min(ceiling, EXPECTED_PER_SECOND) * seconds)


def measure_cell(folder: Path, mock: Mock, concurrency: int, lines: int, rounds: int) -> tuple[list[Round], float]:
    """The rounds of a cell, and the fixed cost of a batch in seconds."""
    service = Service(folder, mock.url, deployment={"max_concurrency": concurrency})
    service.start()
    try:
        data = jsonl(*(chat_line(n, f"question {n} " + "x" * 400) for n in range(lines)))
        one = jsonl(chat_line(0))
        run_service(service, jsonl(*(chat_line(n) for n in range(200))), 200)  # warm
        fixed = statistics.median(run_service(service, one, 1).seconds for _ in range(FIXED_COST_ROUNDS))
        return [_round(service, mock, data, concurrency, lines) for _ in range(rounds)], fixed
    finally:
        service.stop()


def _round(service: Service, mock: Mock, data: bytes, concurrency: int, lines: int) -> Round:
    bare = run_bare_loop(f"{mock.url}/v1/chat/completions", lines, concurrency)
    mock.reset()
    batch = run_service(service, data, lines)
    stats = mock.stats()
    return Round(bare=bare, batch=batch, steady_seconds=stats["last_answer_at"] - stats["first_request_at"])


def measure(seconds: float, rounds: int) -> dict[str, Any]:
    """All cells; a cell's batch takes about `seconds`."""
    cells = []
    for latency_ms in LATENCIES_MS:
        for concurrency in CONCURRENCIES:
            lines = lines_for(concurrency, latency_ms, seconds)
            with tempfile.TemporaryDirectory() as folder:
                mock = Mock(Path(folder), "--latency-ms", str(latency_ms))
                mock.start()
                try:
                    found, fixed = measure_cell(Path(folder), mock, concurrency, lines, rounds)
                finally:
                    mock.stop()
            cells.append(_cell(latency_ms, concurrency, lines, found, fixed - latency_ms / 1000))
            print(".", end="", flush=True)
    return {"cells": cells}


def _cell(latency_ms: int, concurrency: int, lines: int, rounds: list[Round], fixed_seconds: float) -> dict[str, Any]:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    return {
        "latency_ms": latency_ms,
        "concurrency": concurrency,
        "lines": lines,
        "share": median([one.share for one in rounds]),
        "steady_share": median([one.steady_share for one in rounds]),
        "bare_per_second": median([one.bare.per_second for one in rounds]),
        "batch_per_second": median([one.batch.per_second for one in rounds]),
        "bare_cpu_ms": median([one.bare.cpu_ms for one in rounds]),
        "batch_cpu_ms": median([one.batch.cpu_ms for one in rounds]),
        "fixed_seconds": fixed_seconds,
    }


def show(figures: dict[str, Any]) -> None:
    heads = {
        "latency_ms": "ms",
        "concurrency": "in flight",
        "lines": "lines",
        "bare_per_second": "bare/s",
        "batch_per_second": "batch/s",
        "share": "share",
        "steady_share": "steady",
        "bare_cpu_ms": "bare CPU ms",
        "batch_cpu_ms": "batch CPU ms",
        "fixed_seconds": "fixed s",
    }
    rows = [[cell[key] for key in heads] for cell in figures["cells"]]
    print_table("Throughput against the bare loop", list(heads.values()), rows)


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    figures = measure(4.0, 1) if quick else measure(10.0, 2)
    show(figures)
    return figures


if __name__ == "__main__":
    run_alone(run, __doc__)
