"""The same batches on Azure's own host and on the local host, over an Azurite each: `python -m bench.hosts [--quick]`.

Needs `func` on the PATH. What counts is the ratio of runs in turns, not the figures: Azurite and the mock upstream
share the machine with the host. CPU is of the host and its workers, without Azurite and the upstream. Each host has
one worker process, as an instance has by default: two would compare cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.programs import Mock, Service, chat_line, jsonl
from bench.report import print_table
from tests import azurite, core_tools
from tests.azure_host.instance import Instance

LATENCY_MS = 50
IN_FLIGHT = (64, 256)
ROUNDS = 3


class Figures(NamedTuple):
    lines_per_second: float
    cpu_ms_per_line: float


def cpu_seconds(pid: int) -> float:
    """Of a process and all below it that live now."""
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def measure(service: Service, data: bytes, lines: int) -> Figures:
    """One batch from its creation to its end. The service has run one before, so that nothing is loaded any more."""
    file_id = service.upload(data)
    assert service.process is not None
    cpu, began = cpu_seconds(service.process.pid), time.perf_counter()
    batch = service.wait(service.create(file_id), seconds=300, pause=0.2)
    seconds = time.perf_counter() - began
    assert (batch.status, batch.request_counts.completed) == ("completed", lines), batch
    return Figures(lines / seconds, (cpu_seconds(service.process.pid) - cpu) / lines * 1000)


def compare(in_flight: int, lines: int) -> list[tuple[str | int | float, ...]]:
    """Rounds of both hosts, in turns; the best round of each counts, for noise only ever slows."""
    data = jsonl(*(chat_line(number) for number in range(lines)))
    deployment = {"max_concurrency": in_flight}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upstream = Mock(folder, "--latency-ms", str(LATENCY_MS))
        upstream.start()
        with azurite.running(folder / "azurite.log") as storage, azurite.running(folder / "other.log") as other:
            hosts: dict[str, Service] = {
                "Azure's own host": Instance(folder, upstream.url, storage, deployment=deployment),
                "local host": Service(
                    folder, upstream.url, "--azurite", other, "--workers", "1", deployment=deployment
                ),
            }
            try:
                for host in hosts.values():
                    host.start()
                    host.run(jsonl(*(chat_line(number) for number in range(200))))
                found = [{name: measure(host, data, lines) for name, host in hosts.items()} for _ in range(ROUNDS)]
            finally:
                for host in hosts.values():
                    host.stop()
                upstream.stop()
    best = {name: max(round_[name] for round_ in found) for name in hosts}
    ideal = in_flight / LATENCY_MS * 1000
    return [
        (in_flight, name, round(it.lines_per_second), it.lines_per_second / ideal, round(it.cpu_ms_per_line, 2))
        for name, it in best.items()
    ] + [(in_flight, "ratio", "", best["Azure's own host"].lines_per_second / best["local host"].lines_per_second, "")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hosts", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the lines")
    quick = parser.parse_args().quick
    if reason := core_tools.missing():
        raise SystemExit(reason)
    rows = [row for n in IN_FLIGHT for row in compare(n, (30 if quick else 150) * n)]
    print_table(
        f"Lines a second, {LATENCY_MS} ms an answer",
        ["in flight", "host", "lines/s", "of the ideal", "CPU ms a line"],
        rows,
    )


if __name__ == "__main__":
    main()
