"""Which lanes of a batch are gone, as another one sees it; and what becomes of the chunks they left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from activities.process_chunk import process_chunk
from shared.domain.batches.chunk import ChunkRow
from shared.domain.pace.budget import Budget
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.usage.usage import Usage
from shared.run.chunks.journal import Entry
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.chunks.plan import read_plan
from shared.run.lane import siblings
from shared.run.lane.siblings import GONE_SECONDS, Siblings
from tests.run.conftest import World
from tests.run.test_lane import cursor

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
STALE = 12.0


def beat(lane: int, at: float, paused_until: float | None = None) -> Heartbeat:
    until = None if paused_until is None else NOON + timedelta(seconds=paused_until)
    return Heartbeat(deployment="m", batch_id="b", lane=lane, at=NOON + timedelta(seconds=at), paused_until=until)


def told(*beats: Heartbeat, looks: float, every: float = 3.0) -> list[tuple[float, set[int]]]:
    """What lane 0 of 3 is told, and when, if nobody beats after these."""
    watched, now, found = Siblings(0, 3, STALE), 0.0, []
    while now <= looks:
        if gone := watched.look(beats, NOON + timedelta(seconds=now), now):
            found.append((now, set(gone)))
        now += every
    return found


def test_a_silent_lane_is_gone_once() -> None:
    """After it counts as stale and the time that slices may be apart; it is told once."""
    assert told(beat(1, 0), beat(2, 60), looks=60) == [(STALE + GONE_SECONDS + 3, {1})]


def test_a_lane_that_ended_is_gone_soon() -> None:
    """Its row is no more; whoever asks finds that it left nothing."""
    assert told(beat(1, 60), looks=60) == [(GONE_SECONDS, {2})]


def test_a_pause_is_no_end() -> None:
    """A lane that said until when it pauses is there until then."""
    assert told(beat(1, 0, paused_until=300), beat(2, 300), looks=60) == []


def test_who_could_not_look_does_not_judge() -> None:
    """After a silence of the store everyone seems gone: looks that are far apart begin anew."""
    assert told(beat(1, 0), beat(2, 0), looks=600, every=STALE + 1) == []


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "GONE_SECONDS", 0.2)


async def test_a_lane_takes_what_a_dead_one_left(world: World, soon: None) -> None:
    """While it still has chunks of its own; lines that the dead lane had journaled are not sent again."""
    world.upstream.latency_seconds = 0.1
    batch = await world.batch(200)
    row = ChunkRow(batch_id=batch.id, index=1, lane=1)
    plan = await read_plan(world.service.stores.blobs, batch)
    assert plan is not None
    left = await OpenChunk.claim(
        world.service.stores.blobs, world.service.stores.chunks, row, plan.chunks[1], lanes=2, memory=Budget(1_000_000)
    )
    assert left is not None
    left.journal.add(Entry(11, True, Usage(), None, msgspec.Raw(b'{"custom_id":"c11"}')))
    await left.keep(world.service.stores.chunks)
    lane = asyncio.create_task(process_chunk(cursor(batch, 0, 2)))
    await asyncio.sleep(2.0)
    taken = await world.service.stores.chunks.get(batch.id, 1)
    assert taken is not None
    assert (0, False) == (taken.value.lane, lane.done())
    assert (await lane)["done"]

    assert world.upstream.asked["p11"] == 0
    assert {1} == set(world.upstream.asked.values())
    assert all(row.sealed for row in await world.service.stores.chunks.list(batch.id))


async def test_who_was_only_slow_lets_go(world: World) -> None:
    """A lane whose chunk another has taken finds out at its next write, and writes nothing of it any more."""
    batch = await world.batch(10)
    plan = await read_plan(world.service.stores.blobs, batch)
    assert plan is not None
    blobs, chunks, memory = world.service.stores.blobs, world.service.stores.chunks, Budget(1_000_000)
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
    await mine.seal(blobs, chunks)
    assert not mine.sealed
