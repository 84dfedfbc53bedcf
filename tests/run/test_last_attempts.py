"""A line's last attempt is kept until the upstream is seen to be well; but no line waits for one that waits for it."""

from __future__ import annotations

import asyncio

from activities.work_lane import work_lane
from shared.domain.upstream.upstream import UpstreamAnswer
from shared.run.chunks.result_writer import MAX_OPEN_CHUNKS
from shared.services import use
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor, run_to_end


async def test_an_answer_begun_before_an_outage_is_no_witness(world: World) -> None:
    """It comes in the middle of the outage, and nobody spends a last attempt for it: the slice ends, none has failed."""
    slow = asyncio.Event()

    def script(prompt: str, _: int) -> UpstreamAnswer | asyncio.Event:
        if prompt == "p1":
            return slow
        if world.upstream.asked.total() >= 12:
            slow.set()
        return answer(500, {})

    world.upstream.script, world.upstream.latency_seconds = script, 0.1
    batch = await world.batch(200, per_chunk=200)
    with use(world.with_settings(max_attempts=2)):
        progress = await work_lane(cursor(batch))
    (row,) = await world.service.stores.chunks.list(batch.id)

    assert (False, 1, 0) == (progress["done"], row.completed, row.failed)


async def test_lines_of_all_open_chunks_do_not_wait_for_each_other(world: World) -> None:
    """No further chunk may be open, so no further line begins: each of them makes its last attempt."""
    world.upstream.script = lambda _, before: answer(500, {}) if before == 0 else answer()
    with use(world.with_settings(max_attempts=2)):
        batch = await run_to_end(world, await world.batch(MAX_OPEN_CHUNKS + 4, per_chunk=1))

    assert (MAX_OPEN_CHUNKS + 4, 0) == (batch.completed, batch.failed)


async def test_a_last_attempt_waits_for_lines_that_still_try(world: World) -> None:
    """All open chunks are begun, one is with the upstream until an outage is over: nobody fails in it."""
    well = asyncio.Event()

    def script(prompt: str, _: int) -> UpstreamAnswer | asyncio.Event:
        if prompt == "p1":
            asyncio.get_running_loop().call_later(1.0, well.set)
            return well
        return answer() if well.is_set() else answer(500, {})

    world.upstream.script, world.upstream.latency_seconds = script, 0.1
    with use(world.with_settings(max_attempts=2)):
        batch = await run_to_end(world, await world.batch(MAX_OPEN_CHUNKS, per_chunk=1))

    assert (MAX_OPEN_CHUNKS, 0) == (batch.completed, batch.failed)
