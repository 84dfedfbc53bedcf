"""A run's own long works show that they live; short ones cost nothing."""

from __future__ import annotations

import asyncio

import pytest

from shared.run.batches.run_beat import BEAT_SECONDS, RUNS, showing_life
from tests.run.conftest import World


async def beats(world: World) -> int:
    return len(await world.service.stores.heartbeats.list(RUNS))


async def test_a_long_work_beats_and_stops_with_its_end(world: World) -> None:
    """Far more often than a run is taken for dead; and nothing goes on behind it, however it ends."""
    batch, before, found = await world.batch(1), asyncio.all_tasks(), []

    async def breaks() -> None:
        async with showing_life(world.service, batch, beat_seconds=0.01):
            while not await beats(world):
                await asyncio.sleep(0.01)
            found.append(await beats(world))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await breaks()

    assert (found, asyncio.all_tasks()) == ([1], before)
    assert 3 * BEAT_SECONDS < 90


async def test_a_short_work_writes_nothing(world: World) -> None:
    """Most are."""
    async with showing_life(world.service, await world.batch(1)):
        await asyncio.sleep(0)

    assert await beats(world) == 0


async def test_a_store_that_refuses_a_beat_does_not_end_the_work(world: World) -> None:
    """The next one may be taken."""
    beat, calls = world.service.stores.heartbeats.beat, 0

    async def refusing(heartbeat: object) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise OSError("down")
        await beat(heartbeat)  # type: ignore[arg-type]

    world.service.stores.heartbeats.beat = refusing  # type: ignore[method-assign]
    async with showing_life(world.service, await world.batch(1), beat_seconds=0.01):
        while not await beats(world):
            await asyncio.sleep(0.01)

    assert (await beats(world), calls >= 3) == (1, True)
