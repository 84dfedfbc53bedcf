"""Starting deliveries by the timer: what is due, what was lost, what is over."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from orchestrators import names
from shared.domain.webhooks.delivery import KEPT, Delivery, ended
from shared.ports.base import Stored
from shared.run.webhooks.deliveries import LEASE, start_delivery
from tests.contracts.samples import START, a_delivery, an_id
from tests.timers.conftest import World
from timers.start_deliveries import start_deliveries

INSTANCE = f"wh_{an_id(1)}"


@pytest.fixture(autouse=True)
async def _noted(world: World) -> None:
    await world.services.stores.deliveries.insert(a_delivery(1))


async def run(world: World) -> None:
    await start_deliveries(world.services, world.client)


async def read(world: World) -> Stored[Delivery] | None:
    return await world.services.stores.deliveries.get(an_id(1))


async def end(world: World) -> None:
    stored = await read(world)
    await world.services.stores.deliveries.replace(ended(stored.value, world.clock()), stored.version)


async def test_what_is_due_is_started(world: World) -> None:
    """Under an instance id of its own, with the id of the record as its whole input."""
    await run(world)

    assert world.client.started == [(names.DELIVER_WEBHOOK, INSTANCE, {"delivery_id": an_id(1)})]


async def test_what_is_not_due_is_not_looked_at(world: World) -> None:
    """A delivery that was started is left alone for its lease."""
    await run(world)
    world.client.statuses.clear()
    world.clock.at += LEASE / 2
    await run(world)

    assert len(world.client.started) == 1


async def test_a_living_delivery_is_not_started_again(world: World) -> None:
    """It gets another lease."""
    await run(world)
    world.clock.at += LEASE
    await run(world)

    assert len(world.client.started) == 1
    assert (await read(world)).value.due_at == world.clock.at + LEASE


@pytest.mark.parametrize("status", [None, "Failed", "Completed", "Terminated"])
async def test_a_lost_delivery_is_started_again(world: World, status: str | None) -> None:
    """Its orchestration has ended or is gone, its record is still due."""
    await run(world)
    world.client.statuses = {INSTANCE: status} if status else {}
    world.clock.at += LEASE
    await run(world)

    assert len(world.client.started) == 2


async def test_a_start_that_fails_is_repeated_and_stops_no_other(world: World) -> None:
    """Nothing is postponed that was not started; the failure is told when all are through."""
    await world.services.stores.deliveries.insert(a_delivery(2, seconds=1))
    world.client.refused = {INSTANCE}
    with pytest.raises(ExceptionGroup, match="1 of 2 failed"):
        await run(world)
    others = [instance for _, instance, _ in world.client.started]
    world.client.refused.clear()
    await run(world)

    assert others == [f"wh_{an_id(2)}"]
    assert [instance for _, instance, _ in world.client.started] == [*others, INSTANCE]


async def test_a_living_delivery_that_is_not_due_is_left_alone(world: World) -> None:
    """One that came too early has postponed itself and is about to end: a lease would hide that it did."""
    world.client.statuses = {INSTANCE: "Running"}
    world.clock.at = START - LEASE / 2
    await start_delivery(world.services, world.client, await read(world))

    assert (await read(world)).value.due_at == START


async def test_what_has_ended_is_kept_and_then_removed(world: World) -> None:
    """For a while, so that a repeated run finds its id taken; it is never started."""
    world.clock.at = START
    await end(world)
    world.clock.at = START + KEPT / 2
    await run(world)
    kept = await read(world)
    world.clock.at = START + KEPT
    await run(world)

    assert (kept is None, await read(world), world.client.started) == (False, None, [])


@pytest.mark.parametrize("status", ["Pending", "Running"])
async def test_a_delivery_without_life_is_started_anew(world: World, status: str) -> None:
    """Its start message or its timer was lost: it is ended, and the next look starts another."""
    await run(world)
    world.client.statuses = {INSTANCE: status}
    world.client.turned_at = {INSTANCE: world.clock.at}
    world.clock.at += LEASE
    await run(world)
    ended = world.client.statuses[INSTANCE]
    world.clock.at += timedelta(seconds=15)
    await run(world)

    assert (ended, len(world.client.started)) == ("Terminated", 2)


async def test_a_delivery_that_sleeps_is_alive(world: World) -> None:
    """After many failed attempts its pauses are hours."""
    stored = await read(world)
    await world.services.stores.deliveries.replace(msgspec.structs.replace(stored.value, failures=14), stored.version)
    await run(world)
    world.client.turned_at = {INSTANCE: world.clock.at}
    for _ in range(18):
        world.clock.at += LEASE
        await run(world)

    assert (world.client.statuses[INSTANCE], len(world.client.started)) == ("Running", 1)
