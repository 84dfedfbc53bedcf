"""What the platform calls: several works under one timer, of which none stops another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.errors import Unavailable
from shared.services import use
from tests.api.harness import app_index
from tests.contracts.samples import a_batch, a_delivery, a_file, an_id
from tests.timers.conftest import World
from tests.with_stores import with_stores
from timers.expire_stores import expire_stores
from timers.tend_batches import tend_batches


class Down:
    """A store that does not answer."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def _rows(self, *_: Any) -> AsyncIterator[Any]:
        raise Unavailable(f"{self._name} is down")
        yield

    unfinished = due = expired = every = _rows


def test_there_are_three() -> None:
    """Each is billed on its own, however little it does."""
    schedules = {timer.name: timer.schedule for timer in app_index().timers}

    assert schedules == {
        "tend_batches": "*/15 * * * * *",
        "expire_stores": "0 */10 * * * *",
        "sweep_stores": "0 17 3 * * *",
    }


@pytest.mark.parametrize(("down", "started"), [("batches", f"wh_{an_id(1)}"), ("deliveries", an_id(1))])
async def test_runs_and_deliveries_do_not_wait_for_each_other(world: World, down: str, started: str) -> None:
    """What one look cannot read, the other starts all the same; the timer has failed for all to see."""
    await world.services.stores.batches.insert(a_batch(1))
    await world.services.stores.deliveries.insert(a_delivery(1))
    with use(with_stores(world.services, **{down: Down(down)})), pytest.raises(ExceptionGroup, match=f"{down} is down"):
        await tend_batches(None, world.client)

    assert [instance for _, instance, _ in world.client.started] == [started]


async def test_what_expires_does_so_although_something_else_is_down(world: World) -> None:
    """A store of uploads that does not answer keeps no file."""
    await world.services.stores.files.insert(a_file(1, expires_at=world.clock.at - timedelta(minutes=2)))
    with (
        use(with_stores(world.services, uploads=Down("uploads"))),
        pytest.raises(ExceptionGroup, match="uploads is down"),
    ):
        await expire_stores(None)

    assert [file async for file in world.services.stores.files.every()] == []
