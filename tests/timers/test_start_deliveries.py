"""The timer that starts deliveries: what is due, what was lost, what is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from local_host.stores import open_stores
from orchestrators import names
from shared.domain.webhook_delivery import KEPT, Delivery, ended
from shared.services import Services, use
from shared.settings import Settings
from tests.activities.conftest import Clock
from tests.contracts.samples import START, a_delivery, an_id
from timers.start_deliveries import LEASE, start_deliveries


@dataclass
class DurableClient:
    """Knows the instances it started, and which of them are alive."""

    alive: set[str] = field(default_factory=set)
    started: list[tuple[str, str, Any]] = field(default_factory=list)

    async def get_status(self, instance_id: str) -> Any:
        status = SimpleNamespace(value="Running" if instance_id in self.alive else "Completed")
        return SimpleNamespace(runtime_status=status if self.started else None)

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        self.started.append((name, instance_id, client_input))
        self.alive.add(instance_id)
        return instance_id


@dataclass
class World:
    services: Services
    clock: Clock
    client: DurableClient = field(default_factory=DurableClient)

    async def run(self) -> None:
        await start_deliveries(None, self.client)

    async def read(self) -> Delivery | None:
        stored = await self.services.webhooks.get_delivery(an_id(1))
        return stored.value if stored else None

    async def end(self) -> None:
        stored = await self.services.webhooks.get_delivery(an_id(1))
        await self.services.webhooks.replace_delivery(ended(stored.value, self.clock()), stored.version)


@pytest.fixture
async def world(tmp_path):
    stores, clock = open_stores(tmp_path), Clock()
    missing = dict.fromkeys(Services.__dataclass_fields__)
    services = Services(**missing | {"settings": Settings(), "webhooks": stores.webhooks, "now": clock})
    await stores.webhooks.insert_delivery(a_delivery(1))
    with use(services):
        yield World(services, clock)
    await stores.close()


async def test_what_is_due_is_started(world: World) -> None:
    """Under an instance id of its own, with the id of the record as its whole input."""
    await world.run()

    assert world.client.started == [(names.DELIVER_WEBHOOK, f"wh_{an_id(1)}", {"delivery_id": an_id(1)})]


async def test_what_is_not_due_is_not_looked_at(world: World) -> None:
    """A delivery that was started is left alone for its lease."""
    await world.run()
    world.client.alive.clear()
    world.clock.at += LEASE / 2
    await world.run()

    assert len(world.client.started) == 1


async def test_a_living_delivery_is_not_started_again(world: World) -> None:
    """It gets another lease."""
    await world.run()
    world.clock.at += LEASE
    await world.run()

    assert len(world.client.started) == 1
    assert (await world.read()).due_at == world.clock.at + LEASE


async def test_a_lost_delivery_is_started_again(world: World) -> None:
    """Its orchestration failed or is gone, its record is still due."""
    await world.run()
    world.client.alive.clear()
    world.clock.at += LEASE
    await world.run()

    assert len(world.client.started) == 2


async def test_a_start_that_fails_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is postponed that was not started."""

    async def down(*_: object) -> str:
        raise RuntimeError("down")

    with monkeypatch.context() as patched:
        patched.setattr(DurableClient, "start_new", down)
        with pytest.raises(RuntimeError):
            await world.run()
    await world.run()

    assert len(world.client.started) == 1


async def test_what_has_ended_is_kept_and_then_removed(world: World) -> None:
    """For a while, so that a repeated run finds its id taken; it is never started."""
    world.clock.at = START
    await world.end()
    world.clock.at = START + KEPT / 2
    await world.run()
    kept = await world.read()
    world.clock.at = START + KEPT
    await world.run()

    assert (kept is None, await world.read(), world.client.started) == (False, None, [])
