"""A batch that its caller pauses, lets go on, or gives other terms while lanes are at work."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.work_lane import NAP_SECONDS, work_lane
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.wishes import PauseWished, ResumeWished, TermsWished, Wish
from shared.domain.keys.priority import URGENCY, Priority
from shared.run.batches.change import change
from shared.services import use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World
from tests.run.test_ends import until
from tests.run.test_lane import cursor, run_to_end

NAP = {"done": False, "wait": NAP_SECONDS, "waited": 0.0}


async def wished_meanwhile(world: World, batch: Batch, wish: Wish) -> dict[str, Any]:
    """The end of a slice that has eight requests in flight when `wish` comes; they are answered only after it was seen."""
    answered = asyncio.Event()
    world.upstream.script = lambda prompt, before: answered
    working = asyncio.create_task(work_lane(cursor(batch)))
    await until(lambda: world.upstream.in_flight == 8)
    await change(world.service, batch, wish)
    looks, real = 0, world.service.stores.batches.get

    async def get(*names: str) -> Any:
        nonlocal looks
        looks += 1
        return await real(*names)

    world.service.stores.batches.get = get  # type: ignore[method-assign]
    await until(lambda: looks >= 2)  # The second begins after the first was obeyed.
    world.service.stores.batches.get = real  # type: ignore[method-assign]
    answered.set()
    return await working


async def test_in_flight_ends_and_nothing_new_begins(world: World) -> None:
    """Of 40 lines the eight that were sent; the lane naps and leaves no row, so its share is for others."""
    batch = await world.batch(40)
    progress = await wished_meanwhile(world, batch, PauseWished())
    rows = await world.service.stores.chunks.list(batch.id)

    assert (False, 8, 8) == (progress["done"], world.upstream.asked.total(), sum(row.finished for row in rows))
    assert [] == await world.service.stores.heartbeats.list("m")
    assert NAP == await work_lane(cursor(batch))
    assert 8 == world.upstream.asked.total()


async def test_a_resumed_batch_ends_with_every_line_once(world: World) -> None:
    """Nothing is sent a second time."""
    batch = await world.batch(40)
    await wished_meanwhile(world, batch, PauseWished())
    await change(world.service, batch, ResumeWished())
    ended = await run_to_end(world, batch)

    assert (Status.COMPLETED, 40, {1}) == (ended.status, ended.completed, set(world.upstream.asked.values()))


async def test_a_second_delivery_takes_nothing_from_a_lane_that_ends_for_a_pause(world: World) -> None:
    """The row of the lane whose requests are in flight stays its own."""
    answered = asyncio.Event()
    world.upstream.script = lambda prompt, before: answered
    batch = await world.batch(40)
    working = asyncio.create_task(work_lane(cursor(batch)))
    await until(lambda: world.upstream.in_flight == 8)
    await change(world.service, batch, PauseWished())
    (before,) = await world.service.stores.heartbeats.list("m")
    second = await work_lane(cursor(batch))
    (after,) = await world.service.stores.heartbeats.list("m")
    answered.set()
    await working

    assert (NAP, before.holder) == (second, after.holder)


async def test_the_deadline_ends_a_paused_batch(world: World) -> None:
    """What ran is delivered, the rest expires."""
    batch = await world.batch(12)
    await wished_meanwhile(world, batch, PauseWished())
    with use(replace(world.service, now=lambda: batch.expires_at + timedelta(seconds=1))):
        assert (await work_lane(cursor(batch)))["done"]
        await finish_batch(cursor(batch))
    ended = await world.read(batch)

    assert (Status.EXPIRED, 8, 12) == (ended.status, ended.completed, world.upstream.asked.total() + 4)


async def test_a_batch_whose_last_requests_were_in_flight_ends_all_the_same(world: World) -> None:
    """Nothing is left that could be held up."""
    batch = await world.batch(8)
    await wished_meanwhile(world, batch, PauseWished())
    ended = await run_to_end(world, batch)

    assert (Status.COMPLETED, 8) == (ended.status, ended.completed)


@pytest.mark.parametrize(
    "wish",
    [TermsWished(priority=Priority.HIGH), TermsWished(completion_window="1h", window_seconds=3600)],
    ids=["priority", "window"],
)
async def test_other_terms_hold_from_the_next_slice_on(world: World, wish: TermsWished) -> None:
    """Which begins at once, and says them to all others."""
    batch = await world.batch(40)
    progress = await wished_meanwhile(world, batch, wish)
    answered = asyncio.Event()
    world.upstream.script = lambda prompt, before: answered
    working = asyncio.create_task(work_lane(cursor(batch)))
    await until(lambda: world.upstream.in_flight == 8)
    (beat,) = await world.service.stores.heartbeats.list("m")
    answered.set()
    await working

    assert (False, 0.0) == (progress["done"], progress["wait"])
    assert beat.claim.urgency == URGENCY[wish.priority or Priority.NORMAL]
    assert {1} == set(world.upstream.asked.values())


async def test_a_longer_window_keeps_a_batch_from_expiring(world: World) -> None:
    """A lane that looks after the old deadline goes by the new one."""
    batch = await world.batch(40, completion_window="1h")
    now = world.service.now()
    with use(replace(world.service, now=lambda: now)) as service:
        begun = replace(world, service=service)
        await wished_meanwhile(begun, batch, TermsWished(completion_window="7d", window_seconds=604_800))
    with use(replace(world.service, now=lambda: batch.expires_at + timedelta(hours=1))):
        ended = await run_to_end(world, batch)

    assert (Status.COMPLETED, 40) == (ended.status, ended.completed)
