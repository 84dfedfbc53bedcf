"""What single batches had in accounts goes, once nothing can change it any more; balances stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.batches.batch import Status
from shared.ports.spending import Amount
from tests.contracts.samples import START
from tests.timers.conftest import World
from tests.timers.test_forgetting import DAYS, LATER, insert, kept
from timers.forget_spending import forget_spending


async def spend(world: World, *, days: int) -> None:
    """In three accounts, so many days before `LATER`."""
    day = (LATER - timedelta(days=days)).date()
    for account in ("project", "model", "key"):
        await world.services.stores.spending.put(account, day, f"batch {days}", Amount(5, 1))


async def left(world: World, *days: int) -> list[int]:
    spending = world.services.stores.spending
    dates = [(LATER - timedelta(days=each)).date() for each in days]
    assert await spending.balances("key", START.date(), LATER.date()) == dict.fromkeys(dates, 5)
    return [len(await spending.amounts("project", date)) for date in dates]


async def test_old_amounts_are_forgotten(world: World) -> None:
    """In every account; the younger ones, and all balances, stay. A pass is bounded, and the next one goes on."""
    for days in (DAYS - 1, DAYS + 1, DAYS * 2):
        await spend(world, days=days)
    world.clock.at = LATER
    await forget_spending(kept(world, usage_row_days=DAYS), most=4)
    assert sum(await left(world, DAYS + 1, DAYS * 2, DAYS - 1)) > 1
    await forget_spending(kept(world, usage_row_days=DAYS))

    assert await left(world, DAYS + 1, DAYS * 2, DAYS - 1) == [0, 0, 1]


@pytest.mark.parametrize("state", [{"status": Status.IN_PROGRESS}, {"usage_owed": True}])
async def test_what_a_batch_may_still_settle_stays(world: World, state: dict[str, Any]) -> None:
    """From the day on that it was made: what it settles then replaces what it had."""
    await insert(world, 1, days=DAYS * 2, **state)
    for days in (DAYS + 1, DAYS * 3):
        await spend(world, days=days)
    world.clock.at = LATER
    await forget_spending(kept(world, usage_row_days=DAYS))

    assert await left(world, DAYS + 1, DAYS * 3) == [1, 0]


async def test_zero_days_are_for_ever(world: World) -> None:
    """As for the ledger."""
    await spend(world, days=390)
    world.clock.at = LATER
    await forget_spending(kept(world, usage_row_days=0))

    assert await left(world, 390) == [1]
