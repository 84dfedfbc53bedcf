"""The same batches on Azure's own host and on the local host, over an Azurite each: `python -m bench.hosts [--quick]`.

Needs `func` on the PATH. What counts is the ratio of runs in turns, not the figures: Azurite and the mock upstream
share the machine with the host. CPU is of the host and its workers, without Azurite and the upstream. Each host has
one worker process, as an instance has by default: two would compare cores.

Azure's worker for Python 3.13, which is what `infra/` deploys, runs on uvloop; that for 3.11 and 3.12 on asyncio's own
loop, as does any worker that is started here. So Azure's host is there twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.programs import Mock, Service, chat_line, jsonl
from bench.report import print_table
from tests import azurite, core_tools
from tests.azure_host.instance import Instance

ON_UVLOOP, ON_ASYNCIO, LOCAL = "Azure's own host, uvloop", "Azure's own host, asyncio", "local host"
LATENCY_MS = 50
IN_FLIGHT = (64, 256)
ROUNDS = 3
# Stands where the worker's Python is asked for, and runs the worker that it is given.
_PYTHON_ON_UVLOOP = f"""#!{sys.executable}
import asyncio, os, runpy, sys, uvloop
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
del sys.argv[0]
sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


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


def on_uvloop(folder: Path, host: Instance) -> Instance:
    """The host, its worker on the loop of Azure's worker for Python 3.13."""
    python = folder / "python"
    python.write_text(_PYTHON_ON_UVLOOP)
    python.chmod(0o755)
    host.environment = {**host.environment, "languageWorkers__python__defaultExecutablePath": str(python)}
    return host


def make_hosts(stack: ExitStack, folder: Path, upstream_url: str, in_flight: int) -> dict[str, Service]:
    """By name, each with an Azurite and a folder of its own."""
    deployment = {"max_concurrency": in_flight}
    folders = {name: folder / str(number) for number, name in enumerate((ON_UVLOOP, ON_ASYNCIO, LOCAL))}
    for each in folders.values():
        each.mkdir()
    storage = {name: stack.enter_context(azurite.running(each / "azurite.log")) for name, each in folders.items()}
    azure = [
        Instance(folders[name], upstream_url, storage[name], deployment=deployment) for name in (ON_UVLOOP, ON_ASYNCIO)
    ]
    options = ("--azurite", storage[LOCAL], "--workers", "1")
    local = Service(folders[LOCAL], upstream_url, *options, deployment=deployment)
    return {ON_UVLOOP: on_uvloop(folders[ON_UVLOOP], azure[0]), ON_ASYNCIO: azure[1], LOCAL: local}


def measure_in_turns(hosts: dict[str, Service], lines: int) -> dict[str, Figures]:
    """The best round of each counts, for noise only ever slows."""
    data = jsonl(*(chat_line(number) for number in range(lines)))
    try:
        for host in hosts.values():
            host.start()
            host.run(jsonl(*(chat_line(number) for number in range(200))))
        found = [{name: measure(host, data, lines) for name, host in hosts.items()} for _ in range(ROUNDS)]
    finally:
        for host in hosts.values():
            if host.process:
                host.stop()
    return {
        name: Figures(
            max(round_[name].lines_per_second for round_ in found),
            min(round_[name].cpu_ms_per_line for round_ in found),
        )
        for name in hosts
    }


def compare(in_flight: int, lines: int) -> list[tuple[str | int | float, ...]]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        upstream = Mock(folder, "--latency-ms", str(LATENCY_MS))
        upstream.start()
        stack.callback(upstream.stop)
        best = measure_in_turns(make_hosts(stack, folder, upstream.url, in_flight), lines)
    ideal = in_flight / LATENCY_MS * 1000
    local = best[LOCAL].lines_per_second
    return [
        (
            in_flight,
            name,
            round(it.lines_per_second),
            it.lines_per_second / ideal,
            it.lines_per_second / local,
            round(it.cpu_ms_per_line, 2),
        )
        for name, it in best.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hosts", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the lines")
    quick = parser.parse_args().quick
    if reason := core_tools.missing():
        raise SystemExit(reason)
    rows = [row for n in IN_FLIGHT for row in compare(n, (30 if quick else 150) * n)]
    print_table(
        f"Lines a second, {LATENCY_MS} ms an answer",
        ["in flight", "host", "lines/s", "of the ideal", "of the local host", "CPU ms a line"],
        rows,
    )


if __name__ == "__main__":
    main()
