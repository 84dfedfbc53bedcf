"""What batches cost in fees of the platform, without the model's tokens: `python -m bench.cost [--lines N ...]`.

Prices are US list prices of November 2026 as far as they could be looked up, and parameters: check your region's. Calls
per line, chunk and second are those that `bench.transactions` measured. The tables are in docs/operations.md.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TypeVar

from bench.report import print_table
from local_host.app.schedule import next_after
from shared.settings import Settings

T = TypeVar("T")

MONTH_SECONDS = 30 * 24 * 3600
APPENDS_A_WAIT = 1.05  # Of a lane with slow answers, in each BATCH_JOURNAL_SECONDS.
LEAST_BILLED_SECONDS = 1.0  # Flex Consumption bills no execution as shorter.


@dataclass(frozen=True, kw_only=True)
class Prices:
    """In US dollars."""

    gb_second: float = 0.000026
    ready_gb_second: float = 0.000004
    million_executions: float = 0.40
    blob_writes_10k: float = 0.05
    blob_reads_10k: float = 0.004
    table_calls_10k: float = 0.00036


@dataclass(frozen=True, kw_only=True)
class Load:
    """Lines of one batch, and what answers them. `instances`: over how many its lanes are spread."""

    lines: int = 100_000
    answer_seconds: float = 2.0
    concurrency: int = 64
    lanes: int = 4
    slice_seconds: float = 240.0
    instances: int = 1
    memory_gb: float = 2.0
    journal_seconds: float = Settings().journal_seconds

    @property
    def seconds(self) -> float:
        """How long the batch runs: as long as its answers take, at full concurrency."""
        return self.lines * self.answer_seconds / self.concurrency


@dataclass(frozen=True, kw_only=True)
class Calls:
    """Calls to storage."""

    blob_writes: float
    blob_reads: float
    table_calls: float


def chunks(lines: int) -> float:
    """As the planner cuts lines of some hundred bytes: 200 lines each, and small chunks at the end."""
    return max(lines / 27, 1) if lines < 1100 else 40 + lines / 200


def calls(load: Load) -> Calls:
    """What a batch does to Blob and Table Storage (bench.transactions), upload and download of its files left out."""
    lane_seconds = load.lanes * load.seconds
    appends = max(APPENDS_A_WAIT / load.journal_seconds * lane_seconds, load.lines / 45)
    return Calls(
        blob_writes=5 + chunks(load.lines) + appends,
        blob_reads=10 + 2 * chunks(load.lines),
        table_calls=60 + 3 * chunks(load.lines) + 2.7 * lane_seconds,
    )


def activities(load: Load) -> int:
    """Validate, reserve, finish, and the slices of the lanes."""
    return 3 + load.lanes * ceil(load.seconds / load.slice_seconds)


def actions(load: Load) -> int:
    """What the Durable Task Scheduler bills: the run, lanes and their results, activities and theirs."""
    return 1 + 2 * load.lanes + 2 * activities(load)


def executions(load: Load) -> int:
    """Each activity, and at most one turn of an orchestrator for each action."""
    return activities(load) + actions(load)


def gb_seconds(load: Load) -> float:
    return load.seconds * load.instances * load.memory_gb


def fees(load: Load, prices: Prices) -> dict[str, float]:
    """Dollars for one batch, by what they are for."""
    storage = calls(load)
    return {
        "instances": gb_seconds(load) * prices.gb_second,
        "executions": executions(load) * prices.million_executions / 1e6,
        "blob writes": storage.blob_writes * prices.blob_writes_10k / 1e4,
        "blob reads": storage.blob_reads * prices.blob_reads_10k / 1e4,
        "table calls": storage.table_calls * prices.table_calls_10k / 1e4,
    }


def executions_a_month(schedule: str) -> int:
    at = since = datetime(2026, 11, 1, tzinfo=UTC)
    count = 0
    while (at := next_after(schedule, at)) <= since + timedelta(days=1):
        count += 1
    return count * 30


def idle_rows(schedules: dict[str, str], memory_gb: float, prices: Prices) -> list[list[str | float]]:
    """A month in which nothing runs: each timer in instances of its own, and one instance kept ready."""
    rows: list[list[str | float]] = []
    for name, schedule in schedules.items():
        count = executions_a_month(schedule)
        billed = count * LEAST_BILLED_SECONDS * memory_gb
        dollars = billed * prices.gb_second + count * prices.million_executions / 1e6
        rows.append([name, count, round(billed), round(dollars, 2)])
    ready = MONTH_SECONDS * memory_gb
    rows.sort(key=lambda row: -float(row[3]))
    rows.append(["one instance kept ready", 0, round(ready), round(ready * prices.ready_gb_second, 2)])
    return rows


def batch_rows(load: Load, prices: Prices) -> list[list[str | float]]:
    """The same lines at other speeds of the upstream, on one instance and with a lane on each."""
    rows: list[list[str | float]] = []
    for concurrency in (16, 64, 256, 512):
        for instances in (1, load.lanes):
            one = replace(load, concurrency=concurrency, instances=instances)
            found = fees(one, prices)
            storage = found["blob writes"] + found["blob reads"] + found["table calls"]
            hours = round(one.seconds / 3600, 2)
            cells = (found["instances"], storage, sum(found.values()))
            rows.append([concurrency, hours, instances, round(gb_seconds(one)), *(round(cell, 3) for cell in cells)])
    return rows


def timer_schedules() -> dict[str, str]:
    from function_app import app  # Late: the app is read once in a process.
    from local_host.app.function_index import index

    return {timer.name: timer.schedule for timer in index(app).timers}


def _parse(kind: type[T], parser: argparse.ArgumentParser) -> None:
    for item in fields(kind):  # type: ignore[arg-type]
        default = item.default
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=type(default), default=default)


def _take(kind: type[T], options: argparse.Namespace) -> T:
    return kind(**{item.name: getattr(options, item.name) for item in fields(kind)})  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    for kind in (Load, Prices):
        _parse(kind, parser)
    options = parser.parse_args()
    load, prices = _take(Load, options), _take(Prices, options)
    heads = ["in flight", "hours", "instances", "GB-s", "instances $", "storage $", "together $"]
    print_table(f"{load.lines:,} lines of {load.answer_seconds} s", heads, batch_rows(load, prices))
    print_table(
        "A month of nothing", ["what", "executions", "GB-s", "$"], idle_rows(timer_schedules(), load.memory_gb, prices)
    )
    stored = calls(load)
    rows = [[item.name.replace("_", " "), round(getattr(stored, item.name))] for item in fields(Calls)]
    rows += [["executions", executions(load)], ["scheduler actions", actions(load)]]
    print_table(f"What is counted, {load.concurrency} in flight", ["what", "number"], rows)


if __name__ == "__main__":
    main()
