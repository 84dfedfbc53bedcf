"""Where one app is outgrown, in virtual time: `python -m bench.simulation [--quick]`.

1. Predicted against measured: small batches on the real service here. 2. Targets from 100 to 10,000 batches a day, with
an upstream that is large enough: what the rest costs, and what it waits for. 3. One target, one thing turned at a time.
4. An upstream that is too small. Tables 2 to 4 are simulated: none of it ran on Azure.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from bench.report import Cell, print_table
from bench.simulation.against_real import CASES, QUICK, Compared, compare
from bench.simulation.flow import Simulation
from bench.simulation.outcome import Outcome, outcome
from bench.simulation.parameters import (
    MIX,
    SCHEDULER,
    SCHEDULER_UNIT,
    Installation,
    Load,
    Upstream,
    azure_storage,
)

BUSY_HOUR = 0.1  # Part of a day's batches that arrives in its busiest hour; assumed.
WANTED_USE = 0.6  # Of the upstream in that hour: fuller, and batches wait for each other.
LATENCY_SECONDS = 3.0
BASE = Installation()
HEADS = [
    *("in flight", "lines/s", "queue s", "p50 s", "p95 s", "upstream", "instances", "lanes", "CPU", "storage/s"),
    *("durable", "rows/s", "waits for", "$/1,000"),
]


def load(per_day: int, sizes: dict[int, float]) -> Load:
    """The busiest hour."""
    return Load(batches=max(1, round(per_day * BUSY_HOUR)), sizes=sizes)


def roomy(wanted: Load, latency_seconds: float = LATENCY_SECONDS) -> Upstream:
    """An upstream that the load uses to WANTED_USE: it is to be the rest of the service that shows."""
    lines = wanted.batches * sum(size * share for size, share in wanted.sizes.items())
    concurrency = round(lines / wanted.seconds * latency_seconds / WANTED_USE)
    return Upstream(concurrency=max(64, concurrency), latency_seconds=latency_seconds)


def simulate(wanted: Load, installation: Installation, upstream: Upstream) -> Outcome:
    simulation = Simulation(wanted, installation, upstream)
    simulation.run()
    return outcome(simulation)


def cells(upstream: Upstream, found: Outcome) -> list[Cell]:
    waits = ", ".join(f"{name} {share:.0%}" for name, share in list(found.waits.items())[:2])
    return [
        *(upstream.concurrency, found.per_second, found.queue_p95, found.completion_p50, found.completion_p95),
        *(f"{found.upstream_used:.0%}", found.instances, found.lanes, f"{found.cpu_used:.0%}"),
        *(found.storage_per_second, f"{found.durable_used:.1%}", found.beat_rows_per_second, waits),
        found.dollars_per_1000,
    ]


def targets(*, quick: bool) -> list[dict[str, Any]]:
    """Every day's number of batches with every size, and with the mix of sizes."""
    found, rows = [], []
    for per_day in (100, 1_000, 10_000):
        for sizes in ({1_000: 1.0}, {10_000: 1.0}, {100_000: 1.0}, MIX):
            name = "mix" if sizes is MIX else f"{next(iter(sizes)):,}"
            wanted = load(per_day, sizes)
            if quick and wanted.batches * max(sizes) > 1e7:
                continue
            upstream = roomy(wanted)
            one = simulate(wanted, BASE, upstream)
            found.append({"batches_a_day": per_day, "lines": name, **asdict(one)})
            rows.append([per_day, name, *cells(upstream, one)])
    title = f"Simulated: the busiest hour ({BUSY_HOUR:.0%} of the day), answers after {LATENCY_SECONDS:g} s"
    print_table(title, ["batches/day", "lines", *HEADS], rows)
    return found


def turns() -> Iterable[tuple[str, Installation, float]]:
    """What can be turned, one thing at a time; with the seconds of an answer."""
    yield "as deployed", BASE, LATENCY_SECONDS
    for lanes in (1, 2, 8, 16):
        yield f"lanes {lanes}", replace(BASE, lanes=lanes), LATENCY_SECONDS
    for memory in (512, 4096):
        yield f"memory {memory}", replace(BASE, memory_mb=memory), LATENCY_SECONDS
    for most in (1, 2):
        yield f"instances {most}", replace(BASE, maximum_instances=most), LATENCY_SECONDS
    yield "none kept ready", replace(BASE, ready_instances=0), LATENCY_SECONDS
    for durable in (azure_storage(1), azure_storage(16), SCHEDULER, SCHEDULER_UNIT):
        yield durable.name, replace(BASE, durable=durable), LATENCY_SECONDS
    yield "answers after 20 s", BASE, 20.0


def turned(*, quick: bool) -> list[dict[str, Any]]:
    """1,000 batches a day."""
    lines = 10_000 if quick else 100_000
    wanted = load(1_000, {lines: 1.0})
    found, rows = [], []
    for name, installation, latency in turns():
        upstream = roomy(wanted, latency)
        one = simulate(wanted, installation, upstream)
        found.append({"turned": name, "lines": lines, **asdict(one)})
        rows.append([name, *cells(upstream, one)])
    print_table(f"Simulated: 1,000 batches a day of {lines:,} lines", ["turned", *HEADS], rows)
    return found


def too_small(*, quick: bool) -> list[dict[str, Any]]:
    """Batches of 1,000 lines on an upstream of 256 requests in flight, which answers 85 lines a second."""
    upstream = Upstream(latency_seconds=LATENCY_SECONDS)
    found, rows = [], []
    for per_hour in (150, 300, 330) if quick else (150, 300, 330, 400):
        one = simulate(Load(batches=per_hour, sizes={1_000: 1.0}), BASE, upstream)
        found.append({"batches_an_hour": per_hour, **asdict(one)})
        rows.append([per_hour, *cells(upstream, one)])
    print_table("Simulated: more and more batches of 1,000 lines, one upstream", ["batches/h", *HEADS], rows)
    return found


def checked(*, quick: bool) -> list[Compared]:
    found = compare(QUICK if quick else CASES)
    rows: list[list[Cell]] = [
        [*vars(one.case).values(), one.predicted, one.measured, one.predicted / one.measured] for one in found
    ]
    heads = ["batches", "lines each", "lanes", "in flight", "predicted s", "measured s", "ratio"]
    print_table("The simulation against the service on this machine", heads, rows)
    return found


def run(*, quick: bool) -> dict[str, Any]:
    """Measure, simulate and show."""
    return {
        "checked": [asdict(one) for one in checked(quick=quick)],
        "targets": targets(quick=quick),
        "turned": turned(quick=quick),
        "too_small": too_small(quick=quick),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller loads, two real cases; about a minute")
    run(quick=parser.parse_args().quick)
