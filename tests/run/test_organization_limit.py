"""A limit of all projects together is one more account of each batch."""

from __future__ import annotations

import asyncio
from datetime import date

from activities.reserve_quota import reserve_quota
from shared.domain.batches.batch import Status
from shared.domain.keys.organization import Organization
from shared.domain.usage.spend_limit import FIRST_DAY, SpendLimit
from shared.run.usage.spending import reserve
from tests.run.conftest import World
from tests.run.test_lane import cursor, run_to_end
from tests.run.test_spending import CENT, a_batch, balances, limit, project
from tests.run.test_stopping_limits import CODE, IN_FLIGHT, LINE, run_all, spent, stopping


async def organization(world: World, spend_limit: SpendLimit) -> None:
    await world.service.stores.organization.insert(Organization(spend_limit=spend_limit))


async def balance(world: World) -> int:
    """Cents of all projects, on all days."""
    found = await world.service.stores.spending.balances("USD:organization", FIRST_DAY, date.max)
    return sum(found.values()) // CENT


async def test_what_every_batch_costs_is_counted(world: World) -> None:
    """Without a limit as well: one that is set later knows of it."""
    batch = await a_batch(world, expected=100 * CENT)
    assert await reserve_quota(cursor(batch)) == {"outcome": "admitted"}
    reserved = await balance(world)
    await run_to_end(world, batch)

    assert (reserved, await balance(world)) == (100, 10 * LINE)


async def test_it_refuses_what_does_not_fit(world: World) -> None:
    """Saying nothing of how much others spend; the batch holds nothing anywhere."""
    await organization(world, limit(159))
    first, second = await a_batch(world), await a_batch(world)
    outcomes = [(await reserve_quota(cursor(batch)))["outcome"] for batch in (first, second)]
    (error,) = (await world.read(second)).errors

    assert (outcomes, error.code) == (["admitted", "refused"], CODE)
    assert "The spend limit of this organization would be exceeded: 1.59 USD a month; this batch is" in error.message
    assert [await balance(world), *await balances(world)] == [80] * 4


async def test_fifty_at_once(world: World) -> None:
    """Of fifty batches of 80 cents ten fit into 8 dollars, and what the others had reserved elsewhere is free again."""
    await organization(world, limit(800))
    batches = [await a_batch(world) for _ in range(50)]
    refusals = await asyncio.gather(*(reserve(world.service, batch) for batch in batches))

    assert sum(refusal is None for refusal in refusals) == 10
    assert [await balance(world), *await balances(world)] == [800] * 4


async def test_it_stops_batches_that_run(world: World) -> None:
    """Together they spend no more but for what is in flight; a project's own limit, that is higher, does not matter."""
    await organization(world, stopping(1000))
    await project(world, spend_limit=stopping(100_000))
    batches = [await a_batch(world, lines=60, expected=0) for _ in range(3)]
    await run_all(world, *batches)
    ended = [await world.read(batch) for batch in batches]
    said = [error.message for batch in ended for error in batch.errors]

    assert Status.CANCELLED in {batch.status for batch in ended}
    assert all("The spend limit of this organization was reached while the batch ran: 10.00 USD" in one for one in said)
    assert 1000 - len(batches) * IN_FLIGHT * LINE <= await spent(world, *batches) <= 1000 + IN_FLIGHT * LINE
    assert await balance(world) == await spent(world, *batches)
