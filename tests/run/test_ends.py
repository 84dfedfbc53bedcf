"""How a slice of work ends: nothing of it goes on, and it costs no storm of calls to the stores."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from activities.work_lane import work_lane
from shared.domain.batches.batch import CancelRequested, Status
from shared.domain.batches.chunk import ChunkRow, plan_blob
from shared.domain.pace.heartbeat import Heartbeat
from shared.run.batches.change import change
from shared.run.batches.remains import sweep_remains
from shared.run.chunks.plan import read_plan
from shared.services import use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_activity_cancelled_while_it_ends_leaves_no_task(world: World) -> None:
    """Neither heartbeats nor requests go on: a lane that beats for ever would keep its share of the deployment."""
    world.upstream.script = lambda *_: 60.0
    before = asyncio.all_tasks()
    running = asyncio.create_task(work_lane(cursor(await world.batch(20))))
    await until(lambda: world.upstream.in_flight == 8)
    for _ in range(2):  # The second one meets it waiting for what is in flight.
        running.cancel()
        await asyncio.sleep(0.05)
    await asyncio.gather(running, return_exceptions=True)
    await until(lambda: asyncio.all_tasks() == before)

    assert 0 == world.upstream.in_flight


async def test_a_slice_that_is_over_looks_no_more_often(world: World) -> None:
    """Waiting for slow answers past the end of a slice, the lane still looks at its batch once a heartbeat."""
    beats = []
    real = world.service.stores.heartbeats.beat

    async def beat(heartbeat: Heartbeat) -> None:
        beats.append(heartbeat)
        await real(heartbeat)

    world.service.stores.heartbeats.beat = beat  # type: ignore[method-assign]
    world.upstream.script = lambda *_: 1.5
    with use(world.with_settings(slice_seconds=0.1, heartbeat_seconds=0.5)):
        await work_lane(cursor(await world.batch(4)))

    assert len(beats) <= 6


async def test_a_call_that_outlives_its_batch_takes_its_journal_with_it(world: World) -> None:
    """work_lane delivered twice: the one still at work when the batch ends leaves no journal behind."""
    world.upstream.script = lambda prompt, _: 0.5 if prompt == "p3" else answer()
    batch = await world.batch(3)
    late = asyncio.create_task(work_lane(cursor(batch)))
    await until(lambda: world.upstream.in_flight == 1)
    await change(world.service, batch, CancelRequested())
    await finish_batch(cursor(batch))
    await late

    assert [] == [name async for name in world.service.stores.blobs.names("journals/")]


async def test_heartbeats_of_killed_lanes_go_with_the_batch(world: World) -> None:
    """A lane that was killed cannot take its heartbeat back; the end of the batch does."""
    batch = await world.batch(5)
    await world.service.stores.heartbeats.beat(
        Heartbeat(deployment="m", batch_id=batch.id, lane=3, at=batch.created_at)
    )
    await work_lane(cursor(batch))
    await finish_batch(cursor(batch))

    assert [] == await world.service.stores.heartbeats.list("m")


async def test_an_expiry_cut_off_stays_an_expiry(world: World) -> None:
    """finish_batch killed after it sealed the last expired chunk: the next call says `expired`, not `completed`."""
    batch = await world.batch(30)
    at = cursor(batch)
    past = world.service.now()
    stored = await world.service.stores.batches.get(batch.owner, batch.id)
    assert stored is not None
    batch = msgspec.structs.replace(batch, expires_at=past)
    await world.service.stores.batches.replace(batch, stored.version)
    real = world.service.stores.batches.replace

    async def killed(*_: Any) -> str:
        raise SystemError

    world.service.stores.batches.replace = killed  # type: ignore[method-assign]
    await asyncio.gather(finish_batch(at), return_exceptions=True)
    world.service.stores.batches.replace = real  # type: ignore[method-assign]
    await finish_batch(at)

    assert Status.EXPIRED is (await world.read(batch)).status


async def test_a_batch_cancelled_before_it_was_accepted_owes_no_lines(world: World) -> None:
    """A plan that was written in vain is not run: no result files, and counts that agree with that."""
    batch = await world.batch(5, status=Status.CANCELLING, in_progress_at=None, total=0, chunks=0, deployment=None)
    await finish_batch(cursor(batch))
    batch = await world.read(batch)

    assert (Status.CANCELLED, None, None) == (batch.status, batch.output_file_id, batch.error_file_id)
    assert await read_plan(world.service.stores.blobs, batch) is None


async def test_a_late_second_finish_publishes_no_empty_files(world: World) -> None:
    """finish_batch that began before another ended it finds the plan gone, and keeps its hands off the files."""
    batch = await world.batch(5, status=Status.CANCELLING)
    list_rows = world.service.stores.chunks.list

    async def overtaken(batch_id: str) -> list[ChunkRow]:
        world.service.stores.chunks.list = list_rows  # type: ignore[method-assign]
        await finish_batch(cursor(batch))
        return []

    world.service.stores.chunks.list = overtaken  # type: ignore[method-assign]
    late = await finish_batch(cursor(batch))

    assert late == {"done": True, "status": Status.CANCELLED}
    assert 5 == len(await world.lines((await world.read(batch)).error_file_id))


async def test_remains_of_ended_batches_are_swept(world: World) -> None:
    """Plan, journals and heartbeats of a batch that ended are removed; those of one under way stay."""
    running = await world.batch(5)
    await asyncio.sleep(0.002)  # Ids of one millisecond are the same here.
    ended = await world.batch(5, status=Status.COMPLETED)
    for batch in (running, ended):
        await world.service.stores.blobs.put(plan_blob(batch.id, None), b"{}")
        await world.service.stores.blobs.append(f"journals/{batch.id}/000000", b"x")
        await world.service.stores.heartbeats.beat(
            Heartbeat(deployment="m", batch_id=batch.id, lane=0, at=batch.created_at)
        )

    before = world.service.now() + timedelta(seconds=1)
    assert 0 == await sweep_remains(world.service, before)
    assert [ended.id] == [name.split("/")[2] async for name in world.service.stores.blobs.names("lost+found/batches/")]
    month_later = replace(world.service, now=lambda: before + timedelta(days=31))
    assert 1 == await sweep_remains(month_later, before)
    assert [] == [name async for name in world.service.stores.blobs.names("lost+found/")]
    assert [f"journals/{running.id}/000000"] == [name async for name in world.service.stores.blobs.names("journals/")]
    assert [f"plans/{running.id}"] == [name async for name in world.service.stores.blobs.names("plans/")]
    assert [running.id] == [beat.batch_id for beat in await world.service.stores.heartbeats.list("m")]


async def test_remains_of_young_batches_are_not_swept(world: World) -> None:
    """Whoever has just ended it may still be at it."""
    batch = await world.batch(5, status=Status.COMPLETED)

    assert 0 == await sweep_remains(world.service, batch.created_at - timedelta(seconds=1))
