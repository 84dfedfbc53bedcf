"""The simulation held against the service: the same batches on this machine, predicted and measured.

Two figures of the machine are measured first, by one small batch each: CPU per line, and how long a batch of one line
takes. Everything else is the simulation's own. Times are from the create call to `completed`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from bench.programs import Mock, Service, chat_line, jsonl
from bench.simulation.flow import Simulation
from bench.simulation.parameters import LOCAL, Costs, Installation, Load, Upstream
from bench.throughput import cpu_seconds

LATENCY_MS = 200
PROCESSES = os.cpu_count() or 1
CALIBRATION_LINES = 400


@dataclass(frozen=True, kw_only=True)
class Case:
    """So many batches created at once, of so many lines each."""

    batches: int = 1
    lines: int
    lanes: int
    concurrency: int


CASES = (
    *(Case(lines=200, lanes=lanes, concurrency=16) for lanes in (1, 2, 4)),
    *(Case(lines=2_000, lanes=lanes, concurrency=64) for lanes in (1, 2, 4)),
    Case(batches=4, lines=500, lanes=4, concurrency=64),
    Case(batches=8, lines=200, lanes=2, concurrency=16),
)
QUICK = (Case(lines=200, lanes=4, concurrency=32), Case(lines=800, lanes=4, concurrency=32))


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Seconds until the last batch had completed."""

    case: Case
    predicted: float
    measured: float

    @property
    def factor(self) -> float:
        """How far apart they are, 1 or more."""
        return max(self.predicted / self.measured, self.measured / self.predicted)


def compare(cases: tuple[Case, ...]) -> list[Compared]:
    """One after another; cases that differ in nothing but their batches meet the same service."""
    found: list[Compared] = []
    machine: tuple[float, float] | None = None
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", str(LATENCY_MS))
        mock.start()
        try:
            for (lanes, concurrency), group in groupby(cases, lambda case: (case.lanes, case.concurrency)):
                with _service(lanes, concurrency, Path(folder), mock) as service:
                    machine = machine or calibrate(service, lanes, concurrency)
                    for case in group:
                        found.append(
                            Compared(case=case, predicted=predict(case, *machine), measured=_seconds(service, case))
                        )
        finally:
            mock.stop()
    return found


def calibrate(service: Service, lanes: int, concurrency: int) -> tuple[float, float]:
    """Seconds of a step of the durable host, and CPU seconds of a line, of this machine at this moment."""
    one = Case(lines=1, lanes=lanes, concurrency=concurrency)
    alone = min(_seconds(service, one) for _ in range(3))
    before = cpu_seconds(service)
    _seconds(service, one)
    fixed = cpu_seconds(service) - before
    before = cpu_seconds(service)
    _seconds(service, replace(one, lines=CALIBRATION_LINES))
    line_cpu = max(0.0, cpu_seconds(service) - before - fixed) / CALIBRATION_LINES
    simulation = _simulation(one, 0.0, line_cpu)
    left = alone - simulation.batches[0].ended_at
    return max(0.0, left) / simulation.calls["actions"], line_cpu


def predict(case: Case, step_seconds: float, line_cpu: float) -> float:
    return max(batch.ended_at for batch in _simulation(case, step_seconds, line_cpu).batches)


def _simulation(case: Case, step_seconds: float, line_cpu: float) -> Simulation:
    simulation = Simulation(
        Load(batches=case.batches, sizes={case.lines: 1.0}, seconds=0.01),
        Installation(
            memory_mb=2048 * PROCESSES,
            python_share=1.0,
            processes=PROCESSES,
            maximum_instances=1,
            activities_per_instance=1_000,
            durable=replace(LOCAL, step_seconds=step_seconds),
            lanes=case.lanes,
        ),
        Upstream(concurrency=case.concurrency, latency_seconds=LATENCY_MS / 1e3, spread=0.0),
        Costs(line_cpu=line_cpu, store_seconds=0.002),
    )
    simulation.run()
    return simulation


@contextmanager
def _service(lanes: int, concurrency: int, folder: Path, mock: Mock) -> Iterator[Service]:
    """Warm: every worker has imported what it needs."""
    with tempfile.TemporaryDirectory(dir=folder) as data:
        deployment = {"max_concurrency": concurrency}
        service = Service(Path(data), mock.url, deployment=deployment, BATCH_LANES=str(lanes))
        service.start()
        try:
            service.run(jsonl(*(chat_line(n) for n in range(60 * PROCESSES))))
            yield service
        finally:
            service.stop()


def _seconds(service: Service, case: Case) -> float:
    file_id = service.upload(jsonl(*(chat_line(n, "x" * 400) for n in range(case.lines))))
    since = time.perf_counter()
    ids = [service.create(file_id) for _ in range(case.batches)]
    for batch_id in ids:
        batch = service.wait(batch_id, 120, pause=0.03)
        assert batch.request_counts.completed == case.lines, batch
    return time.perf_counter() - since
