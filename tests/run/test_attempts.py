"""What a line has been through outlives the slice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.work_lane import work_lane
from shared.services import use
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor, run_to_end


@pytest.mark.parametrize(
    ("status", "limit"), [(504, "max_attempts"), (429, "max_throttled_attempts")], ids=["error", "throttle"]
)
async def test_attempts_are_the_lines_over_all_slices(world: World, status: int, limit: str) -> None:
    """A line that always fails is asked as often as its limit says, however many slices that takes."""
    world.upstream.script = lambda prompt, _: answer(status, {}) if prompt == "p2" else answer()
    world.upstream.latency_seconds = 0.1
    with use(world.with_settings(slice_seconds=0.15, max_throttled_attempts=7)):
        batch = await run_to_end(world, await world.batch(3))

    limits = {"max_attempts": 5, "max_throttled_attempts": 7}
    assert limits[limit] == world.upstream.asked["p2"]
    assert (2, 1) == (batch.completed, batch.failed)


async def test_a_slice_that_ends_with_the_deadline_does_not_wait_long(world: World) -> None:
    """The deadline is an end: what is in flight gets `drain_seconds`, though the slice had ended before."""
    world.upstream.script = lambda *_: 60.0
    with use(world.with_settings(slice_seconds=0.1)):
        batch = await world.batch(3, expires_at=datetime.now(UTC) + timedelta(seconds=0.4))

        assert (await asyncio.wait_for(work_lane(cursor(batch)), 30))["done"]
