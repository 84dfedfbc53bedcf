"""How long a month's report takes: `python -m bench.usage_reports [--days 90] [--projects 20]`.

The ledger is in Azurite, with the rollups of that many days of 10,000 batches a day, spread over projects, two models
and two keys; the rows of the last hours are there as well, summed by the timer's own work but for the running hour.
Older rows, and rollups of hours more than eight days old, are not written unless `--rows` says so: no report of these
reads them. Beside the seconds that passed are those that this process and the emulator worked, one after the other for
the most part: what an idle machine takes. The difference is the neighbours'.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil

from api.usage.usage_query import COMPLETIONS, COSTS, Report, parse_usage_query
from api.usage.usage_rendering import render_usage_page
from bench.report import print_table
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.ids import new_id
from shared.domain.usage.ledger import Amounts, Charge, LedgerRow, Rollup, Tally, Width, start_of, summed
from shared.domain.usage.report import buckets, by_line_item
from shared.domain.usage.usage import Usage
from shared.ports.usage import UsageStore
from shared.run.usage.report import used_in
from shared.services import Services
from shared.settings import Settings
from tests import azurite
from timers.roll_up_usage import roll_up_usage

BATCHES_A_DAY = 10_000
MODELS, KEYS = ("gpt-5", "gpt-5-mini"), ("1" * 32, "2" * 32)
AT_ONCE = 16
REPETITIONS = 7
NOW = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Load:
    """`rows`: whether every row is written and summed, not only those of the last three hours."""

    days: int
    projects: int
    rows: bool

    def rows_of(self, hour: datetime) -> Iterator[list[LedgerRow]]:
        """The rows of one hour, for each project."""
        count = BATCHES_A_DAY // 24
        made = [self._row(hour, number) for number in range(count)]
        for project in range(self.projects):
            if mine := made[project :: self.projects]:
                yield mine

    def _row(self, hour: datetime, number: int) -> LedgerRow:
        usage = Usage(input_tokens=number * 100, cached_tokens=number, output_tokens=number * 20)
        charges = tuple(
            Charge(currency="USD", item=item, quantity=number * 100, picos=number * 25_000_000)
            for item in ("input_cached_tokens", "input_tokens", "output_tokens")
        )
        return LedgerRow(
            project=f"{number % self.projects:032x}",
            batch_id=new_id(hour, number.to_bytes(10, "big")),
            chunk=0,
            sealed_at=hour + timedelta(seconds=number % 3600),
            tally=Tally(
                model=MODELS[number // self.projects % 2],
                endpoint="/v1/chat/completions",
                key_id=KEYS[number // self.projects // 2 % 2],
                amounts=Amounts(completed=100, usage=usage, charges=charges),
            ),
        )


async def fill(store: UsageStore, load: Load) -> None:
    first = start_of(NOW, Width.DAY) - timedelta(days=load.days - 1)
    hours = [first + timedelta(hours=number) for number in range((NOW - first) // timedelta(hours=1) + 1)]
    recent = hours if load.rows else hours[-3:]
    limit = asyncio.Semaphore(AT_ONCE)

    async def put(rollup: Rollup) -> None:
        async with limit:
            await store.put_rollup(rollup, None)

    async def write(rows: list[LedgerRow]) -> None:
        async with limit:
            await store.write(rows)

    if not load.rows:
        await asyncio.gather(*(put(rollup) for rollup in _rollups(load, hours[:-3])))
    for hour in recent:
        await asyncio.gather(*(write(rows) for rows in load.rows_of(hour)))


def _rollups(load: Load, hours: list[datetime]) -> Iterator[Rollup]:
    """As the timer makes them."""
    days: dict[tuple[str, datetime], list[Tally]] = {}
    shown = NOW - timedelta(days=8)
    for hour in hours:
        for rows in load.rows_of(hour):
            tallies = summed(row.tally for row in rows)
            days.setdefault((rows[0].project, start_of(hour, Width.DAY)), []).extend(tallies)
            if hour >= shown:
                yield Rollup(project=rows[0].project, width=Width.HOUR, start=hour, tallies=tallies)
    for (project, day), tallies in days.items():
        yield Rollup(project=project, width=Width.DAY, start=day, tallies=summed(tallies))


async def report(store: UsageStore, kind: Report, query: dict[str, str]) -> bytes:
    """What the handler does, without HTTP."""
    parsed = parse_usage_query(kind, [*query.items(), *_grouped(query)], NOW)
    used: Any = await used_in(store, parsed.span, parsed.which.only_project)
    found = buckets(parsed.span, by_line_item(used) if parsed.has_line_items else used, parsed.which, parsed.by)
    return msgspec.json.encode(render_usage_page(kind, parsed, found))


def _grouped(query: dict[str, str]) -> list[tuple[str, str]]:
    return [("group_by[]", name) for name in query.get("groups", "").split(",") if name]


def _reports() -> list[tuple[str, Report, dict[str, str]]]:
    def since(**ago: int) -> str:
        return str(int((NOW - timedelta(**ago)).timestamp()))

    month = {"start_time": since(days=30), "limit": "31"}
    one = {"project_ids": f"proj_{0:032x}"}
    return [
        ("month, project and model", COMPLETIONS, month | {"groups": "project_id,model"}),
        ("month, one project by key", COMPLETIONS, month | one | {"groups": "api_key_id"}),
        ("costs of 90 days by project", COSTS, {"start_time": since(days=89), "limit": "90", "groups": "project_id"}),
        ("month of costs by line item", COSTS, month | {"groups": "line_item"}),
        ("week of hours", COMPLETIONS, {"start_time": since(days=6), "bucket_width": "1h", "limit": "168"}),
        ("two hours of minutes", COMPLETIONS, {"start_time": since(hours=2), "bucket_width": "1m", "limit": "120"}),
    ]


async def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds that passed, seconds of work, and the result."""
    began, worked = time.perf_counter(), _worked()
    result = await work()
    return time.perf_counter() - began, _worked() - worked, result


def _worked() -> float:
    """Of this process and the emulator."""
    programs = [psutil.Process(), *psutil.Process().children(recursive=True)]
    times = [program.cpu_times() for program in programs]
    return float(sum(each.user + each.system for each in times))


async def measure(load: Load) -> list[list[Any]]:
    with tempfile.TemporaryDirectory() as name, azurite.running(Path(name) / "azurite.log") as connection:
        stores = azure_stores_from_connection_string(connection)
        service = Services(settings=Settings(), stores=stores, upstream=None, webhook_sender=None, now=lambda: NOW)  # type: ignore[arg-type]
        seconds, worked, _ = await timed(lambda: fill(stores.usage, load))
        rows: list[list[Any]] = [["filling", seconds, seconds, worked, 0]]
        due = len(await stores.usage.due())
        seconds, worked, _ = await timed(lambda: roll_up_usage(service))
        rows.append([f"summing {due - len(await stores.usage.due())} hours", seconds, seconds, worked, 0])
        for title, kind, query in _reports():
            found = [
                await timed(lambda kind=kind, query=query: report(stores.usage, kind, query))
                for _ in range(REPETITIONS)
            ]
            passed, worked = ([one[part] for one in found] for part in (0, 1))
            rows.append([title, statistics.median(passed), max(passed), statistics.median(worked), len(found[0][2])])
        await stores.close()
    return rows


def run(load: Load) -> list[list[Any]]:
    """Measure and show."""
    rows = asyncio.run(measure(load))
    shown = [[title, *(f"{seconds:.3f}" for seconds in times), size] for title, *times, size in rows]
    title = f"Reports of {load.days} days of {BATCHES_A_DAY} batches, {load.projects} projects, on Azurite"
    print_table(title, ["report", "median s", "most s", "worked s", "bytes"], shown)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.usage_reports", description=__doc__)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--rows", action="store_true", help="write every row, which takes many minutes")
    arguments = parser.parse_args()
    run(Load(arguments.days, arguments.projects, arguments.rows))


if __name__ == "__main__":
    main()
