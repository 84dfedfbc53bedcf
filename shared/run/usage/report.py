"""Reading what was used: rollups, and the rows of the hours that are due, whose rollups are not made yet or behind.

So a report has all that the ledger has, up to the moment. It reads as much as there are projects and buckets, and the
rows of an hour or two; for buckets of minutes, of which there are no rollups, all rows of the span.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from shared.domain.usage.ledger import LedgerHour, Rollup, Width, start_of
from shared.domain.usage.report import Span, Used
from shared.ports.usage import UsageStore

READS_AT_ONCE = 16


async def used_in(store: UsageStore, span: Span, project: str | None = None) -> list[Used]:
    """All that was used in the span, of one project or all."""
    due = await _due(store, span, project)  # First: what is settled meanwhile, its rollup has.
    if span.width is Width.MINUTE:
        hours = {
            LedgerHour(rollup.start, rollup.project) for rollup in await _rollups(store, Width.HOUR, span, project)
        }
        used = await _of_rows(store, hours | due, Width.MINUTE, project)
        return [one for one in used if span.first <= one.start < span.until]
    of_rows = await _of_rows(store, due, span.width, project)
    if span.width is Width.HOUR:
        return [*of_rows, *_of_rollups(await _rollups(store, Width.HOUR, span, project), due)]
    days = {LedgerHour(start_of(hour.start, Width.DAY), hour.project) for hour in due}
    of_days = _of_rollups(await _rollups(store, Width.DAY, span, project), days)
    return [*of_rows, *of_days, *await _of_other_hours(store, days, due, project)]


async def _due(store: UsageStore, span: Span, project: str | None) -> set[LedgerHour]:
    first = start_of(span.first, Width.HOUR)
    hours = [stored.value for stored in await store.due()]
    return {hour for hour in hours if first <= hour.start < span.until and project in (None, hour.project)}


async def _rollups(store: UsageStore, width: Width, span: Span, project: str | None) -> list[Rollup]:
    return [rollup async for rollup in store.rollups(width, start_of(span.first, width), span.until, project)]


def _of_rollups(rollups: Iterable[Rollup], without: set[LedgerHour]) -> list[Used]:
    """`without` those that begin so."""
    return [
        Used(rollup.start, rollup.project, tally)
        for rollup in rollups
        if LedgerHour(rollup.start, rollup.project) not in without
        for tally in rollup.tallies
    ]


async def _of_other_hours(
    store: UsageStore, days: set[LedgerHour], due: set[LedgerHour], project: str | None
) -> list[Used]:
    """What the hours of these days have that are not due, as of their day."""
    found: list[Used] = []
    for start in sorted({day.start for day in days}):
        span = Span(width=Width.HOUR, first=start, until=start + Width.DAY.length)
        rollups = await _rollups(store, Width.HOUR, span, project)
        of_days = [rollup for rollup in rollups if LedgerHour(start, rollup.project) in days]
        found += [one._replace(start=start) for one in _of_rollups(of_days, due)]
    return found


async def _of_rows(store: UsageStore, hours: set[LedgerHour], width: Width, project: str | None) -> list[Used]:
    limit = asyncio.Semaphore(READS_AT_ONCE)

    async def read(start: datetime) -> list[Used]:
        async with limit:
            rows = [row async for row in store.rows(start, project)]
        return [Used(start_of(row.sealed_at, width), row.project, row.tally) for row in rows if row.hour in hours]

    found = await asyncio.gather(*map(read, sorted({hour.start for hour in hours})))
    return [one for some in found for one in some]
