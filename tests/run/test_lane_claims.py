"""One activity works on a lane, whoever else was given it; and lanes that a small limit has no room for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from activities.work_lane import work_lane
from shared.domain.batches.batch import Batch, CancelRequested, Status
from shared.domain.keys.priority import URGENCY, Priority
from shared.domain.pace.fair_share import Claim, turn_at
from shared.domain.pace.heartbeat import Heartbeat, LaneTimes
from shared.run.batches.change import change
from shared.run.lane.lease import holding
from shared.services import Services, use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import OWNER, World
from tests.run.test_lane import cursor, run_to_end


async def claimed(world: World, batch: Batch, holder: str, age_seconds: float = 0.0) -> Heartbeat:
    at = world.service.now() - timedelta(seconds=age_seconds)
    beat = Heartbeat(deployment="m", batch_id=batch.id, lane=0, at=at, holder=holder)
    await world.service.stores.heartbeats.beat(beat)
    return beat


async def test_a_second_delivery_stands_aside(world: World) -> None:
    """While one activity works on the lane, another sends nothing and asks the run to come again."""
    batch, over = await world.batch(60), asyncio.Event()
    world.upstream.script = lambda *_: over
    first = asyncio.create_task(work_lane(cursor(batch)))
    while not world.upstream.asked:
        await asyncio.sleep(0.01)
    second = await work_lane({**cursor(batch), "waited": 7.0})
    over.set()
    done = (await first)["done"]

    assert {"done": False, "wait": world.service.settings.heartbeat_seconds, "waited": 7.0} == second
    assert (True, {1}) == (done, set(world.upstream.asked.values()))


async def test_deliveries_at_the_same_moment_send_no_line_twice(world: World) -> None:
    """One of them claims the lane, by compare-and-swap."""
    world.upstream.latency_seconds = 0.01
    batch = await world.batch(40)
    progress = await asyncio.gather(*(work_lane(cursor(batch)) for _ in range(5)))

    assert 1 == sum(one["done"] for one in progress)
    assert {1} == set(world.upstream.asked.values())


@pytest.mark.parametrize("age_seconds", [0.0, 60.0, -3600.0])
async def test_a_lane_whose_activity_is_dead_is_taken_at_once(world: World, age_seconds: float) -> None:
    """However fresh its last beat is: a killed worker costs no wait."""
    batch = await world.batch(5)
    with holding() as ended:
        pass
    await claimed(world, batch, ended, age_seconds)

    assert (await work_lane(cursor(batch)))["done"]


@pytest.mark.parametrize(("age_seconds", "done"), [(0.0, False), (60.0, True), (-3600.0, True)])
async def test_a_lane_of_another_machine_is_taken_when_it_is_stale(
    world: World, age_seconds: float, done: bool
) -> None:
    """Nothing is known of that activity; a beat that lies far ahead is from before the clock was set back."""
    batch = await world.batch(5)
    await claimed(world, batch, "elsewhere/1/1/00", age_seconds)

    assert done is (await work_lane(cursor(batch)))["done"]


async def test_who_lost_the_lane_stops(world: World) -> None:
    """An activity that was taken for dead sends nothing more, keeps what came, and leaves the row to the other."""
    world.upstream.latency_seconds = 0.02
    batch = await world.batch(400)
    working = asyncio.create_task(work_lane(cursor(batch)))
    while not world.upstream.asked:
        await asyncio.sleep(0.01)
    taken = await claimed(world, batch, "elsewhere/1/1/00", age_seconds=-1.0)
    progress = await working
    rows = await world.service.stores.chunks.list(batch.id)

    assert (False, True) == (progress["done"], progress["wait"] > 0)
    assert sum(row.finished for row in rows) == sum(world.upstream.asked.values()) < 400
    assert [taken] == await world.service.stores.heartbeats.list("m")


def limited(world: World, concurrency: int, **times: float) -> Services:
    deployment = msgspec.structs.replace(world.service.settings.deployments["m"], max_concurrency=concurrency)
    return world.with_settings(deployments={"m": deployment}, lane_times=LaneTimes(**times))


async def work(at: dict[str, Any]) -> None:
    while not (progress := await work_lane(at))["done"]:
        await asyncio.sleep(progress["wait"])


async def test_lanes_past_the_limit_end_and_leave_their_part_to_others(world: World) -> None:
    """Four lanes, one request at once: one lane does it all, and no activity idles."""
    over = asyncio.Event()
    world.upstream.script = lambda *_: over
    with use(limited(world, 1)):
        batch = await world.batch(60)
        one = asyncio.create_task(work(cursor(batch, 0, 4)))
        others = [asyncio.create_task(work(cursor(batch, lane, 4))) for lane in (1, 2, 3)]
        await asyncio.wait(others, timeout=60)
        left = [not task.done() for task in (one, *others)]
        over.set()
        await one
        await finish_batch(cursor(batch))

    assert [True, False, False, False] == left
    assert (1, 60) == (world.upstream.peak, (await world.read(batch)).completed)


async def test_batches_take_turns(world: World) -> None:
    """Three batches, one request at once: the small ones end while the large one still runs; none is ever stuck."""
    world.upstream.latency_seconds = 0.01
    with use(limited(world, 1, turn_seconds=0.3)):
        small = [await world.batch(3)]
        await asyncio.sleep(0.002)  # Ids of one millisecond are the same here.
        small.append(await world.batch(3))
        await asyncio.sleep(0.002)
        large = await world.batch(300)  # The last one's file is the input of all.
        running = asyncio.create_task(run_to_end(world, large))
        await asyncio.sleep(0.1)
        ended = await asyncio.gather(*(run_to_end(world, batch) for batch in small))
        was_running = not running.done()
        await running

    assert [(Status.COMPLETED, 3)] * 2 == [(batch.status, batch.completed) for batch in ended]
    assert was_running
    assert 300 == (await world.read(large)).completed


@pytest.mark.parametrize("turns_later", [0, 1])
async def test_a_batch_out_of_turn_says_so_and_can_be_cancelled(world: World, turns_later: int) -> None:
    """Its row tells that it queues; a cancel makes its next look the last. The clock stands, so that no turn ends."""
    now = world.service.now() + timedelta(seconds=turns_later * LaneTimes().turn_seconds)
    claim = Claim(project=OWNER, urgency=URGENCY[Priority.NORMAL])
    with use(replace(limited(world, 1), now=lambda: now)):
        first = await world.batch(5)
        await asyncio.sleep(0.002)
        second = await world.batch(5)
        for batch in (first, second):
            beat = Heartbeat(deployment="m", batch_id=batch.id, lane=0, at=now, claim=claim)
            await world.service.stores.heartbeats.beat(beat)
        turn = turn_at(now, LaneTimes().turn_seconds) % 2
        waiting = second if turn == 0 else first
        progress = await work_lane(cursor(waiting))
        (beat,) = await world.service.stores.heartbeats.list("m", waiting.id)
        await change(world.service, waiting, CancelRequested())
        after = await work_lane(cursor(waiting))

    assert (False, True) == (progress["done"], 0 < progress["wait"] <= LaneTimes().turn_seconds + 1)
    assert (True, "take turns" in (beat.reason or "")) == (beat.queued, True)
    assert after["done"]
    assert not world.upstream.asked


@pytest.mark.parametrize(("minutes", "at_risk"), [(50, True), (0, False)])
async def test_a_batch_at_risk_tells_the_others_until_when(world: World, minutes: int, at_risk: bool) -> None:
    """Its row has the deadline where after 50 minutes of an hour nothing is done, and when it looked."""
    answered = asyncio.Event()
    world.upstream.script = lambda prompt, before: answered
    now = world.service.now()
    began = now - timedelta(minutes=minutes)
    with use(replace(world.service, now=lambda: now)):
        batch = await world.batch(1, in_progress_at=began, expires_at=began + timedelta(hours=1))
        working = asyncio.create_task(work_lane(cursor(batch)))
        while not world.upstream.asked:
            await asyncio.sleep(0.01)
        (beat,) = await world.service.stores.heartbeats.list("m")
        answered.set()
        await working

    assert (batch.expires_at if at_risk else None, now) == (beat.claim.due, beat.claim.at)
