"""What a process holds of large answers is bounded by their rooms, however many there are and however many lanes.

Counted are the bytes of Python's objects.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import pytest

from activities.work_lane import work_lane
from shared.answer_room import AnswerRoom, ResultMemory, Share
from shared.domain.batches.chunk import ChunkRow
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest, UpstreamResponse
from shared.domain.usage.usage import Usage
from shared.run.chunks.journal import Entry, Journal
from shared.services import use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World
from tests.run.test_lane import cursor

ANSWER: Final = 4_000_000
ANSWERS: Final = 64
LANES: Final = 4
SPARE: Final = 1.5  # What msgspec's encoder takes for what it writes; the rest of it is never touched.
COPIES: Final = 3  # While one answer becomes a line, or an entry becomes a result.


class LargeAnswers:
    """Each answer takes its room before it is made."""

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        assert share is not None
        await share.take(ANSWER, asyncio.get_running_loop().time() + request.timeout_seconds)
        return UpstreamResponse(status=200, headers={}, body=b'{"model":"m","text":"%b"}' % (b"x" * ANSWER))

    async def close(self) -> None: ...


@dataclass
class Held:
    answers: float = 0.0


@contextmanager
def counting() -> Iterator[Held]:
    """The most that the block holds at once, as so many answers."""
    held = Held()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield held
        held.answers = (tracemalloc.get_traced_memory()[1] - before) / ANSWER
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("room", "read_back"), [(4, 2), (0, 0)])
async def test_answers_of_many_lanes_stay_within_their_rooms(world: World, room: int, read_back: int) -> None:
    """Asked for, journaled, read back and sealed by four lanes at once, 64 answers end in what their rooms are.

    Each room is exceeded by the one answer that goes ahead.
    """
    batch = await world.batch(ANSWERS, per_chunk=4)
    settings = world.with_settings(max_inflight_response_bytes=room * ANSWER)
    with use(replace(settings, upstream=LargeAnswers())) as service, counting() as held:
        service.capacity.results = ResultMemory(0, read_back * ANSWER)
        lanes = await asyncio.gather(*(work_lane(cursor(batch, lane, LANES)) for lane in range(LANES)))
        await finish_batch(cursor(batch))

    assert all(lane["done"] for lane in lanes)
    assert (await world.read(batch)).completed == ANSWERS
    assert held.answers <= SPARE * (room + 1) + (read_back + 1) + COPIES  # 37 and more, once.
    assert service.capacity.results.read_back.left == read_back * ANSWER


async def test_journals_are_opened_within_their_room(world: World) -> None:
    """Eight journals of large entries that are opened at once hold one entry and what it takes to read it."""
    blobs, memory = world.service.stores.blobs, ResultMemory(0, 1)
    rows = [ChunkRow(batch_id="b", index=index) for index in range(8)]
    for row in rows:
        journal = Journal(blobs, row, memory)
        for line in range(3):
            journal.add(Entry(line, True, Usage(), None, msgspec.Raw(b'"%b"' % (b"x" * ANSWER))))
        await journal.write()
    with counting() as held:
        opened = await asyncio.gather(*(Journal.open(blobs, row, memory) for row in rows))

    assert [{0: True, 1: True, 2: True}] * 8 == [journal.finished for journal in opened]
    assert held.answers <= 1 + COPIES
    assert memory.read_back.left == 1


async def test_who_goes_ahead_does_so_until_it_holds_nothing() -> None:
    """A share that gave back a part of what is too much stays the only one that may take more."""
    room = AnswerRoom(10)
    ahead, other = room.share(), room.share()
    await ahead.take(30)
    ahead.give_back(but=20)
    waiting = asyncio.create_task(other.take(1))
    await ahead.take(5)
    await asyncio.sleep(0.01)
    before = waiting.done(), room.left
    ahead.give_back()
    await waiting

    assert before == (False, -15)
    assert room.left == 9
