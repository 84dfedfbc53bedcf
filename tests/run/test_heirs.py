"""What becomes of the chunks that lanes left which are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from activities.work_lane import work_lane
from shared.answer_room import ResultMemory
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.pace.heartbeat import Heartbeat, LaneTimes
from shared.domain.usage.usage import Usage
from shared.run.chunks.journal import Entry
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.chunks.plan import read_plan
from shared.services import use
from tests.run.conftest import World
from tests.run.test_lane import cursor


@pytest.fixture
def soon(world: World) -> Iterator[None]:
    with use(world.with_settings(lane_times=LaneTimes(gone_seconds=0.2))):
        yield


async def lane_1_leaves(world: World, batch: Batch) -> None:
    """Of its first chunk, whose first line it has journaled."""
    row = ChunkRow(batch_id=batch.id, index=1, lane=1)
    plan = await read_plan(world.service.stores.blobs, batch)
    assert plan is not None
    left = await OpenChunk.claim(
        world.service.stores.blobs,
        world.service.stores.chunks,
        row,
        plan.chunks[1],
        lanes=2,
        memory=ResultMemory(1_000_000),
    )
    assert left is not None
    left.journal.add(Entry(11, True, Usage(), None, msgspec.Raw(b'{"custom_id":"c11"}')))
    await left.keep(world.service.stores.chunks)


async def test_a_lane_takes_what_a_dead_one_left(world: World, soon: None) -> None:
    """While it still has chunks of its own; lines that the dead lane had journaled are not sent again."""
    world.upstream.latency_seconds = 0.1
    batch = await world.batch(200)
    await lane_1_leaves(world, batch)
    lane = asyncio.create_task(work_lane(cursor(batch, 0, 2)))
    while (taken := await world.service.stores.chunks.get(batch.id, 1)) and taken.value.lane != 0:
        assert not lane.done()
        await asyncio.sleep(0.01)
    assert taken is not None
    assert not lane.done()
    assert (await lane)["done"]

    assert world.upstream.asked["p11"] == 0
    assert {1} == set(world.upstream.asked.values())
    assert all(row.sealed for row in await world.service.stores.chunks.list(batch.id))


async def test_a_lane_that_has_come_since_keeps_its_chunks(world: World, soon: None) -> None:
    """It began after it had been taken for gone, and before the feeder, which waits for answers, took its chunks."""
    answered = asyncio.Event()
    world.upstream.script = lambda prompt, before: answered
    batch = await world.batch(200)
    await lane_1_leaves(world, batch)
    lane = asyncio.create_task(work_lane(cursor(batch, 0, 2)))
    await asyncio.sleep(1.0)  # Some looks: lane 1 has been judged.
    now = world.service.now()
    begun = Heartbeat(deployment="m", batch_id=batch.id, lane=1, at=now, paused_until=now + timedelta(minutes=5))
    await world.service.stores.heartbeats.beat(begun)
    answered.set()
    await lane
    rows = {row.index: row for row in await world.service.stores.chunks.list(batch.id)}

    assert (1, False) == (rows[1].lane, rows[1].sealed)
    assert world.upstream.asked["p12"] == 0


async def test_who_was_only_slow_lets_go(world: World) -> None:
    """A lane whose chunk another has taken finds out at its next write, and writes nothing of it any more."""
    batch = await world.batch(10)
    plan = await read_plan(world.service.stores.blobs, batch)
    assert plan is not None
    blobs, chunks, memory = world.service.stores.blobs, world.service.stores.chunks, ResultMemory(1_000_000)
    slow, heir = (ChunkRow(batch_id=batch.id, index=0, lane=lane) for lane in (0, 1))
    mine = await OpenChunk.claim(blobs, chunks, slow, plan.chunks[0], lanes=2, memory=memory)
    refused = await OpenChunk.claim(blobs, chunks, heir, plan.chunks[0], lanes=2, memory=memory)
    taken = await OpenChunk.claim(blobs, chunks, heir, plan.chunks[0], lanes=2, memory=memory, adopts=True)
    assert mine is not None
    assert taken is not None
    mine.journal.add(Entry(1, True, Usage(), None, msgspec.Raw(b"{}")))
    await mine.keep(chunks)
    stored = await chunks.get(batch.id, 0)
    assert stored is not None

    assert (None, True, 1, 0) == (refused, mine.lost, stored.value.lane, stored.value.completed)
    await mine.seal(blobs, chunks, at=world.service.now())
    assert not mine.sealed
