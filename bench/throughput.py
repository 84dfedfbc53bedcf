"""A whole batch against a bare client loop, in requests per second and CPU per request: `python -m bench.throughput`.

Both drive the same mock upstream with the same bodies at the same concurrency, in turns, in one run; the bare loop
reads and writes nothing else. Time is from the create call to `completed`, validation and result files included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from bench.bare_loop import Figures, run_bare_loop
from bench.programs import Mock, Program, Service, chat_line, jsonl


def cpu_seconds(program: Program) -> float:
    """CPU time of a program and its children so far."""
    assert program.process is not None
    host = psutil.Process(program.process.pid)
    return sum(sum(process.cpu_times()[:2]) for process in [host, *host.children(recursive=True)])


def run_service(service: Service, data: bytes, lines: int) -> Figures:
    file_id = service.upload(data)
    cpu, since = cpu_seconds(service), time.perf_counter()
    batch = service.wait(service.create(file_id), seconds=600, pause=0.1)  # Each look costs milliseconds of CPU.
    seconds = time.perf_counter() - since
    assert batch.request_counts.completed == lines, batch
    return Figures(requests=lines, seconds=seconds, cpu_seconds=cpu_seconds(service) - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    lines = [chat_line(n, f"question {n} " + "x" * 400) for n in range(options.lines)]
    data = jsonl(*lines)
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", str(options.latency_ms))
        mock.start()
        service = Service(Path(folder), mock.url, deployment={"max_concurrency": options.concurrency})
        service.start()
        ours, bare = [], []
        try:
            run_service(service, jsonl(*lines[:200]), 200)  # warm
            for _ in range(options.rounds):
                bare.append(run_bare_loop(f"{mock.url}/v1/chat/completions", options.lines, options.concurrency))
                ours.append(run_service(service, data, options.lines))
        finally:
            service.stop()
            mock.stop()
    print(f"{options.lines} lines, {options.concurrency} in flight, {options.latency_ms:g} ms upstream")
    print(f"{'round':>5} {'bare/s':>8} {'batch/s':>8} {'share':>6} {'bare CPU ms':>12} {'batch CPU ms':>13}")
    for number, (one, two) in enumerate(zip(bare, ours, strict=True), 1):
        print(
            f"{number:>5} {one.per_second:>8.0f} {two.per_second:>8.0f} {two.per_second / one.per_second:>6.2f} "
            f"{one.cpu_ms:>12.3f} {two.cpu_ms:>13.3f}"
        )
    shares = [two.per_second / one.per_second for one, two in zip(bare, ours, strict=True)]
    costs = [two.cpu_ms / one.cpu_ms for one, two in zip(bare, ours, strict=True)]
    print(f"median: {statistics.median(shares):.2f} of the bare loop's rate, {statistics.median(costs):.1f} x its CPU")


if __name__ == "__main__":
    main()
