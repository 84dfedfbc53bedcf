"""Starting lost runs: which are lost, and when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from orchestrators import names
from shared.domain.batches.batch import Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.pace.heartbeat import Heartbeat
from shared.run.batches.run_beat import RUNS
from tests.contracts.samples import a_batch, an_id
from tests.fake_orchestrations import FakeOrchestrations
from tests.timers.conftest import World
from timers.reconcile_batches import GRACE, reconcile_batches


async def run(world: World) -> list[str | None]:
    """The instances that were started."""
    await reconcile_batches(world.services, world.client)
    return [instance for _, instance, _ in world.client.started]


async def add(world: World, number: int = 1, *, age: timedelta = timedelta(hours=1), **changes: Any) -> None:
    await world.services.stores.batches.insert(a_batch(number, created_at=world.clock.at - age, **changes))


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
            stored = await world.services.stores.batches.get("project-a", instance_id)
            await world.services.stores.batches.replace(a_batch(1, status=Status.COMPLETED), stored.version)
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


async def look(world: World, *, times: int = 1, seconds: float = 15) -> None:
    """As the timer does."""
    for _ in range(times):
        await reconcile_batches(world.services, world.client)
        world.clock.at += timedelta(seconds=seconds)


@pytest.mark.parametrize("status", ["Pending", "Running"])
async def test_a_run_without_life_is_replaced(world: World, status: str) -> None:
    """Within three minutes and two looks it is ended, purged and started anew, under another name."""
    await add(world)
    world.client.statuses = {an_id(1): status}
    await look(world, times=12)
    untouched = world.client.statuses[an_id(1)], list(world.client.started)
    await look(world)
    ended = world.client.statuses[an_id(1)]
    await look(world)

    assert (*untouched, ended) == (status, [], "Terminated")
    assert (world.client.purged, len(world.client.started)) == ([an_id(1)], 1)


async def test_lanes_end_with_a_run_without_life(world: World) -> None:
    """Else they would stand in the task hub as running for ever; those of other batches, and what has ended, are left."""
    await add(world)
    lanes = {
        f"{an_id(1)}:lane:0:aa": "Running",
        f"{an_id(1)}:lane:1:aa": "Pending",
        f"{an_id(1)}:lane:2:aa": "Completed",
    }
    world.client.statuses = {an_id(1): "Running", f"{an_id(2)}:lane:0:bb": "Running", **lanes}
    await look(world, times=14)

    assert len(world.client.started) == 1
    assert [world.client.statuses[lane] for lane in lanes] == ["Terminated", "Terminated", "Completed"]
    assert world.client.statuses[f"{an_id(2)}:lane:0:bb"] == "Running"


@pytest.mark.parametrize("place", ["m", RUNS])
async def test_a_run_that_beats_is_left_alone(world: World, place: str) -> None:
    """Its lanes under their deployment, its own long works under a name for all runs."""
    await add(world, status=Status.IN_PROGRESS, deployment="m")
    world.client.statuses = {an_id(1): "Running"}
    for _ in range(20):
        await look(world)
        beat = Heartbeat(deployment=place, batch_id=an_id(1), lane=0, at=world.clock.at)
        await world.services.stores.heartbeats.beat(beat)

    assert (world.client.statuses[an_id(1)], world.client.started) == ("Running", [])


@pytest.mark.parametrize(("status", "left"), [(Status.IN_PROGRESS, "Running"), (Status.CANCELLING, "Terminated")])
async def test_a_pause_is_life_unless_the_batch_has_to_end(world: World, status: Status, left: str) -> None:
    """A lane that waits an hour for its upstream; a cancelled batch has nothing to wait for."""
    await add(world, status=status, deployment="m")
    until = world.clock.at + timedelta(hours=1)
    beat = Heartbeat(deployment="m", batch_id=an_id(1), lane=0, at=world.clock.at, paused_until=until)
    await world.services.stores.heartbeats.beat(beat)
    world.client.statuses = {an_id(1): "Running"}
    await look(world, times=13)

    assert world.client.statuses[an_id(1)] == left


PAUSES = [
    (Status.IN_PROGRESS, 2, "Running"),
    (Status.IN_PROGRESS, 0, "Terminated"),
    (Status.CANCELLING, 2, "Terminated"),
]


@pytest.mark.parametrize(("status", "hours", "left"), PAUSES)
async def test_a_paused_batch_is_left_alone(world: World, status: Status, hours: int, left: str) -> None:
    """Its lanes do not beat. One that has to end, by its deadline or a cancel, has no reason to stand still."""
    now = world.clock.at
    await add(world, status=status, deployment="m", paused_at=now, expires_at=now + timedelta(hours=hours))
    world.client.statuses = {an_id(1): "Running"}
    await look(world, times=13)

    assert world.client.statuses[an_id(1)] == left


async def test_a_run_that_fails_every_time_is_started_with_growing_pauses(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Told from the fifth start on, with what the run said last; each time it is counted in the record."""
    await add(world)
    starts = []
    for second in range(0, 600, 15):
        world.client.statuses[an_id(1)] = "Completed"
        world.client.outputs[an_id(1)] = {"done": False, "reason": "validate_input failed 8 times."}
        known = len(world.client.started)
        await look(world)
        starts += [second] * (len(world.client.started) - known)
    stored = await world.services.stores.batches.get("project-a", an_id(1))
    told = [record for record in caplog.records if getattr(record, "action", "") == "run_fails"]

    assert starts == [0, 15, 45, 105, 225, 465]
    assert stored.value.restarts.count == 6
    assert [record.starts for record in told] == [5, 6]  # type: ignore[attr-defined]
    assert told[0].reason == "Completed: validate_input failed 8 times."  # type: ignore[attr-defined]


async def test_a_batch_that_gets_on_is_started_at_once(world: World) -> None:
    """However often its run ended before."""
    await add(world, status=Status.IN_PROGRESS, deployment="m")
    for number in range(8):
        world.client.statuses[an_id(1)] = "Failed"
        row = ChunkRow(batch_id=an_id(1), index=number, completed=1)
        await world.services.stores.chunks.put(row, None)
        await look(world)

    assert len(world.client.started) == 8
