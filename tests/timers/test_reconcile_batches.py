"""Starting lost runs: which are lost, and when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from orchestrators import names
from shared.domain.batch import Status
from tests.contracts.samples import a_batch, an_id
from tests.fake_orchestrations import FakeOrchestrations
from tests.timers.conftest import World
from timers.reconcile_batches import GRACE, reconcile_batches


async def run(world: World) -> list[str | None]:
    """The instances that were started."""
    await reconcile_batches(world.services, world.client)
    return [instance for _, instance, _ in world.client.started]


async def add(world: World, number: int = 1, *, age: timedelta = timedelta(hours=1), **changes: Any) -> None:
    await world.services.batches.insert(a_batch(number, created_at=world.clock.at - age, **changes))


@pytest.mark.parametrize("status", ["Failed", "Terminated", "Completed", "Canceled"])
async def test_a_run_that_ended_is_started_again_at_once(world: World, status: str) -> None:
    """A second after the batch was made: it did start, so there is nothing to wait for."""
    await add(world, age=timedelta(seconds=1))
    world.client.statuses = {an_id(1): status}

    assert await run(world) == [an_id(1)]
    [(name, _, run_input)] = world.client.started
    assert (names.RUN_BATCH, "project-a", an_id(1)) == (name, run_input["owner"], run_input["batch_id"])
    assert run_input["run"]


@pytest.mark.parametrize("status", ["Running", "Pending", "Suspended", "ContinuedAsNew"])
async def test_a_living_run_is_left_alone(world: World, status: str) -> None:
    """However old."""
    await add(world)
    world.client.statuses = {an_id(1): status}

    assert await run(world) == []


async def test_a_batch_without_a_run_is_given_time_to_start(world: World) -> None:
    """Seconds, between its insert and its start; then it gets a run."""
    await add(world, age=GRACE - timedelta(seconds=1))
    early = await run(world)
    world.clock.at += timedelta(seconds=1)

    assert (early, await run(world)) == ([], [an_id(1)])
    assert timedelta(seconds=5) <= GRACE < timedelta(seconds=15)


async def test_a_run_that_ends_with_its_batch_is_not_lost(world: World) -> None:
    """The batch was unfinished when it was listed, and its run ends before it is asked about."""

    class Ending(FakeOrchestrations):
        async def get_status(self, instance_id: str) -> Any:
            stored = await world.services.batches.get("project-a", instance_id)
            await world.services.batches.replace(a_batch(1, status=Status.COMPLETED), stored.version)
            return await super().get_status(instance_id)

    await add(world)
    world.client = Ending({an_id(1): "Completed"})

    assert await run(world) == []


async def test_one_that_fails_stops_no_other(world: World) -> None:
    """The others get their runs."""
    for number in range(5):
        await add(world, number)
    world.client.refused = {an_id(2)}
    with pytest.raises(ExceptionGroup, match="1 of 6 failed"):
        await run(world)

    assert sorted(instance for _, instance, _ in world.client.started) == [an_id(number) for number in (0, 1, 3, 4)]


async def test_many_are_asked_about_at_once(world: World) -> None:
    """Sixteen at a time, and not more."""
    peak = in_flight = 0

    class Slow(FakeOrchestrations):
        async def get_status(self, instance_id: str) -> Any:
            nonlocal peak, in_flight
            in_flight += 1
            peak = max(peak, in_flight)
            await asyncio.sleep(0.01)
            in_flight -= 1
            return await super().get_status(instance_id)

    for number in range(40):
        await add(world, number)
    world.client = Slow({an_id(number): "Running" for number in range(40)})
    await run(world)

    assert peak == 16
    assert set(world.client.asked.values()) == {1}
