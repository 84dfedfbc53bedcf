"""Large answers have their room until they are stored."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from activities.work_lane import work_lane
from shared.answer_room import Share
from shared.domain.errors import Unavailable
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest
from shared.services import use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor

ROOM = 2500


class LargeAnswers:
    """Each answer takes a thousand bytes of room; `answered` counts those that got it."""

    answered = 0

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        assert share is not None
        await share.take(1000, asyncio.get_running_loop().time() + request.timeout_seconds)
        self.answered += 1
        return answer()

    async def close(self) -> None: ...


@pytest.mark.parametrize("per_chunk", [10, 3, 1])
async def test_room_is_held_until_the_bytes_are_stored(world: World, per_chunk: int) -> None:
    """While storage stands still, no more is read than there is room for; then all of them end, and the room is free."""
    blobs, upstream, goes_on = world.service.stores.blobs, LargeAnswers(), asyncio.Event()
    append, stage_block = blobs.append, blobs.stage_block

    async def append_later(name: str, data: bytes) -> None:
        await goes_on.wait()
        await append(name, data)

    async def stage_later(name: str, block_id: str, data: bytes) -> None:
        await goes_on.wait()
        await stage_block(name, block_id, data)

    batch = await world.batch(8, per_chunk=per_chunk)
    blobs.append, blobs.stage_block = append_later, stage_later  # type: ignore[method-assign]
    with use(replace(world.with_settings(max_inflight_response_bytes=ROOM), upstream=upstream)) as service:
        running = asyncio.create_task(work_lane(cursor(batch)))
        while upstream.answered < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # In which no fourth one comes.
        answered, left = upstream.answered, service.capacity.answers.left
        goes_on.set()
        assert (await running)["done"]
        await finish_batch(cursor(batch))

    assert (answered, left) == (3, ROOM - 3000)  # The third one goes ahead of those that wait.
    assert (await world.read(batch)).completed == 8
    assert service.capacity.answers.left == ROOM


async def test_room_is_given_back_where_storage_fails(world: World) -> None:
    """However the slice ends."""
    blobs, upstream = world.service.stores.blobs, LargeAnswers()

    async def fail(*_: object) -> None:
        raise Unavailable("The storage account does not answer; try again in a minute.")

    batch = await world.batch(2)
    blobs.append = blobs.stage_block = fail  # type: ignore[method-assign]
    with use(replace(world.with_settings(max_inflight_response_bytes=ROOM), upstream=upstream)) as service:
        running = asyncio.create_task(work_lane(cursor(batch)))
        while upstream.answered < 2:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert upstream.answered == 2
    assert service.capacity.answers.left == ROOM
