"""Sums the ledger: hours that are over and have been written to since, and the days that they are in.

Rule of this file: a rollup is made of all rows, or of all hours, anew, and an hour is due until its day is written. So
it may stop anywhere, and a row that comes days late makes its hour due again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from shared.domain.usage.ledger import LedgerHour, Rollup, Width, start_of, summed
from shared.ports.base import Stored
from shared.run.do_all import do_all
from shared.services import Services
from timers.forget_usage import oldest_row

GRACE = timedelta(minutes=2)  # An hour is left alone until then: its last rows are on their way.


async def roll_up_usage(service: Services) -> None:
    """One pass over what is due."""
    running = start_of(service.now() - GRACE, Width.HOUR)
    days: defaultdict[LedgerHour, list[Stored[LedgerHour]]] = defaultdict(list)
    for stored in await service.stores.usage.due():
        if stored.value.start < running:
            days[LedgerHour(start_of(stored.value.start, Width.DAY), stored.value.project)].append(stored)
    await do_all(partial(_roll_up_day, service, day.project, day.start, hours) for day, hours in days.items())


async def _roll_up_day(service: Services, project: str, day: datetime, hours: Sequence[Stored[LedgerHour]]) -> None:
    usage = service.stores.usage
    for hour in hours:
        await _roll_up_hour(service, hour.value)
    before = await usage.rollup(project, Width.DAY, day)
    of_hours = usage.rollups(Width.HOUR, day, day + Width.DAY.length, project)
    tallies = [tally async for rollup in of_hours for tally in rollup.tallies]
    await _put(service, Rollup(project=project, width=Width.DAY, start=day, tallies=summed(tallies)), before)
    for hour in hours:
        await usage.settle(hour.value, hour.version)


async def _roll_up_hour(service: Services, hour: LedgerHour) -> None:
    before = await service.stores.usage.rollup(hour.project, Width.HOUR, hour.start)
    oldest = oldest_row(service)
    if before is not None and oldest is not None and hour.start < oldest:
        return  # It may have lost rows, and its sum must not lose them, too.
    tallies = summed([row.tally async for row in service.stores.usage.rows(hour.start, hour.project)])
    await _put(service, Rollup(project=hour.project, width=Width.HOUR, start=hour.start, tallies=tallies), before)


async def _put(service: Services, rollup: Rollup, before: Stored[Rollup] | None) -> None:
    """`before` was read before what is summed was: whoever summed something newer meanwhile is not overwritten."""
    if before is None or before.value != rollup:
        await service.stores.usage.put_rollup(rollup, before.version if before else None)
