"""Rollups follow from rows, however often they are made and whatever stops that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.batches.batch import Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.errors import Unavailable
from shared.domain.usage.ledger import Rollup, Width, start_of
from shared.domain.usage.usage import Usage
from shared.ports.base import Changed
from shared.ports.usage import UsageStore
from tests.contracts.samples import START, a_batch, a_ledger_row, a_tally, an_id
from tests.timers.conftest import World
from tests.with_stores import with_stores
from timers.roll_up_usage import roll_up_usage
from timers.settle_usage import settle_owed_usage

HOUR = timedelta(hours=1)
DAY = start_of(START, Width.DAY)
NOON = start_of(START, Width.HOUR)


async def tokens(world: World, width: Width = Width.DAY) -> list[tuple[str, int, int]]:
    """Project, hours after midnight, and input tokens of each rollup."""
    rollups = world.services.stores.usage.rollups(width, DAY, DAY + timedelta(days=9))
    return [
        (one.project, (one.start - DAY) // HOUR, sum(tally.amounts.usage.input_tokens for tally in one.tallies))
        async for one in rollups
    ]


async def write(world: World, batch: int, *, hours: int = 0, project: str = "a", count: int = 10) -> None:
    row = a_ledger_row(batch, project=project, sealed_at=START + hours * HOUR, tally=a_tally(count))
    await world.services.stores.usage.write([row])


async def test_hours_and_days(world: World) -> None:
    """Each project by itself; what is summed is not due any more."""
    for batch, hours in enumerate((0, 0, 1, 20)):
        await write(world, batch, hours=hours)
    await write(world, 9, project="b", count=7)
    world.clock.at = START + timedelta(days=2)
    await roll_up_usage(world.services)

    assert await tokens(world, Width.HOUR) == [("a", 12, 20), ("b", 12, 7), ("a", 13, 10), ("a", 32, 10)]
    assert await tokens(world) == [("a", 0, 30), ("b", 0, 7), ("a", 24, 10)]
    assert await world.services.stores.usage.due() == []


async def test_a_running_hour_is_left_alone(world: World) -> None:
    """Until two minutes after its end."""
    await write(world, 1)
    for minutes, expected in ((30, []), (61, []), (62, [("a", 12, 10)])):
        world.clock.at = NOON + timedelta(minutes=minutes)
        await roll_up_usage(world.services)
        assert await tokens(world, Width.HOUR) == expected


async def test_a_late_row_heals_its_hour_and_its_day(world: World) -> None:
    """Weeks later, and only what it changes is written."""
    await write(world, 1)
    await write(world, 2, hours=1)
    world.clock.at = START + timedelta(days=1)
    await roll_up_usage(world.services)
    other = await world.services.stores.usage.rollup("a", Width.HOUR, NOON + HOUR)
    await write(world, 3, count=100)
    world.clock.at = START + timedelta(days=30)
    for _ in range(2):
        await roll_up_usage(world.services)

        assert await tokens(world, Width.HOUR) == [("a", 12, 110), ("a", 13, 10)]
        assert await tokens(world) == [("a", 0, 120)]
    assert other == await world.services.stores.usage.rollup("a", Width.HOUR, NOON + HOUR)


class Breaking:
    """The store until the `calls`th call of `name`, which does something else."""

    def __init__(self, real: UsageStore, name: str, instead: Any, calls: int = 1) -> None:
        self._real, self._name, self._instead, self._left = real, name, instead, calls

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                return self._instead
        return getattr(self._real, name)


async def down(*_: Any) -> None:
    raise Unavailable("down")


@pytest.mark.parametrize(("name", "calls"), [("put_rollup", 1), ("put_rollup", 2), ("put_rollup", 3), ("settle", 1)])
async def test_what_breaks_off_is_done_again(world: World, name: str, calls: int) -> None:
    """After the first hour, before the day, before the settlement: the next pass finds all of it due."""
    await write(world, 1)
    await write(world, 2, hours=1)
    world.clock.at = START + timedelta(days=1)
    broken = with_stores(world.services, usage=Breaking(world.services.stores.usage, name, down, calls))
    with pytest.raises(ExceptionGroup):
        await roll_up_usage(broken)
    await roll_up_usage(world.services)

    assert (await tokens(world), await world.services.stores.usage.due()) == ([("a", 0, 20)], [])


async def test_a_slow_pass_overwrites_nothing_newer(world: World) -> None:
    """What it read before another pass does not count: it fails, and its hour stays due or is done."""
    usage = world.services.stores.usage
    await write(world, 1)
    world.clock.at = START + timedelta(days=1)

    async def rows(hour: datetime, project: str) -> AsyncIterator[Any]:
        before = [row async for row in usage.rows(hour, project)]
        await write(world, 2)
        await roll_up_usage(world.services)
        for row in before:
            yield row

    with pytest.raises(ExceptionGroup) as caught:
        await roll_up_usage(with_stores(world.services, usage=Breaking(usage, "rows", rows)))

    assert isinstance(caught.value.exceptions[0], Changed)
    assert await tokens(world) == [("a", 0, 20)]


async def test_a_row_that_comes_while_its_hour_is_summed(world: World) -> None:
    """Its hour stays due."""
    usage = world.services.stores.usage
    await write(world, 1)
    world.clock.at = START + timedelta(days=1)

    async def put_rollup(rollup: Rollup, version: str | None) -> None:
        await write(world, 2)
        await usage.put_rollup(rollup, version)

    await roll_up_usage(with_stores(world.services, usage=Breaking(usage, "put_rollup", put_rollup)))
    assert await tokens(world) == [("a", 0, 10)]
    await roll_up_usage(world.services)
    assert await tokens(world) == [("a", 0, 20)]


async def test_what_an_ended_batch_owes_is_written(world: World) -> None:
    """From its chunk rows, once; then it owes nothing, and is told to nobody again."""
    stores = world.services.stores
    batch = a_batch(
        1, owner="a", status=Status.COMPLETED, completed_at=START, finalizing_at=START, deployment="m", usage_owed=True
    )
    await stores.batches.insert(batch)
    for chunk in range(2):
        row = ChunkRow(
            batch_id=an_id(1), index=chunk, completed=1, usage=Usage(input_tokens=5), seal="x", sealed_at=START
        )
        await stores.chunks.put(row, None)
    for _ in range(2):
        await settle_owed_usage(world.services)

    rows = [row async for row in stores.usage.rows(NOON, "a")]
    assert [(row.chunk, row.tally.amounts.usage.input_tokens) for row in rows] == [(0, 5), (1, 5)]
    stored = await stores.batches.get("a", an_id(1))
    assert stored.value == msgspec.structs.replace(batch, usage_owed=False)
    assert [one async for one in stores.batches.owing()] == []
