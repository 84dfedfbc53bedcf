"""What those who pay for a batch have in their accounts, from its start to its end."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from activities.reserve_quota import reserve_quota
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.deployments.price import Price, Rates
from shared.domain.errors import Unavailable
from shared.domain.keys.project import Project
from shared.domain.usage.spend_limit import FIRST_DAY, Interval, SpendLimit
from shared.domain.usage.usage import Usage
from shared.ports.spending import Amount
from shared.run.usage.spending import reserve, settle
from shared.services import use
from tests.run.conftest import OWNER, World, answer
from tests.run.test_lane import cursor, run_to_end
from tests.with_stores import with_stores

CENT = 10**10
PRICE = Price(rates=Rates(input=CENT, output=2 * CENT))  # Two tokens in and three out of each answer: eight cents.
ACCOUNTS = [f"USD:project:{OWNER}", f"USD:model:{OWNER}:m", f"USD:key:{'k' * 32}"]


def limit(
    cents: int, interval: Interval = Interval.MONTH, currency: str = "USD", stops_batches: bool | None = None
) -> SpendLimit:
    return SpendLimit(currency=currency, interval=interval, threshold_amount=cents, stops_batches=stops_batches)


async def project(world: World, **limits: Any) -> None:
    found = Project(id=OWNER, name="Team", created_at=datetime.now(UTC), **limits)
    await world.service.stores.projects.insert(found)


async def a_batch(world: World, lines: int = 10, expected: int | None = None, **changes: Any) -> Batch:
    picos = lines * 8 * CENT if expected is None else expected
    return await world.batch(lines, price=PRICE, expected_picos=picos, key_id="k" * 32, **changes)


async def balances(world: World) -> list[int]:
    """Of all days: midnight may come while a test runs."""
    found = [await world.service.stores.spending.balances(account, FIRST_DAY, date.max) for account in ACCOUNTS]
    return [sum(each.values()) // CENT for each in found]


async def test_what_is_expected_is_reserved_and_what_was_spent_stays(world: World) -> None:
    """In the accounts of project, model and key. What failed costs nothing here."""
    world.upstream.script = lambda prompt, _: answer(400 if prompt == "p3" else 200)
    batch = await a_batch(world, expected=100 * CENT)
    assert await reserve_quota(cursor(batch)) == {"outcome": "admitted"}
    reserved = await balances(world)
    await run_to_end(world, batch)

    assert [100, 100, 100] == reserved
    assert [9 * 8] * 3 == await balances(world)


async def test_a_batch_without_a_price_costs_nobody(world: World) -> None:
    """No account is written to."""
    await project(world, spend_limit=limit(0))
    batch = await world.batch(3)
    assert await reserve_quota(cursor(batch)) == {"outcome": "admitted"}
    await run_to_end(world, batch)

    assert [0, 0, 0] == await balances(world)


@pytest.mark.parametrize(
    "limits",
    [
        {"spend_limit": limit(159)},
        {"model_spend_limits": {"m": limit(159, Interval.DAY)}},
        {"spend_limit": limit(1000), "model_spend_limits": {"m": limit(159, Interval.TOTAL)}},
    ],
)
async def test_a_limit_refuses_what_does_not_fit(world: World, limits: dict[str, Any]) -> None:
    """The second batch of 80 cents fails with the limit, what is used and what it would cost; and holds nothing."""
    await project(world, **limits)
    first, second = await a_batch(world), await a_batch(world)
    outcomes = [(await reserve_quota(cursor(batch)))["outcome"] for batch in (first, second, second)]
    (error,) = (await world.read(second)).errors

    assert ["admitted", "refused", "refused"] == outcomes
    assert error.code == "project_spend_limit_exceeded"
    assert all(text in error.message for text in ("1.59 USD", "0.8 is spent or reserved", "cost 0.8"))
    assert [80, 80, 80] == await balances(world)


async def test_another_models_limit_and_currency_do_not_count(world: World) -> None:
    """Only what the batch is paid in, for the model that it asks."""
    await project(world, spend_limit=limit(1, currency="EUR"), model_spend_limits={"other": limit(1)})

    assert await reserve(world.service, await a_batch(world)) is None


async def test_fifty_at_once(world: World) -> None:
    """Of fifty batches of 80 cents, ten fit into 8 dollars, whoever they are."""
    await project(world, spend_limit=limit(800))
    batches = [await a_batch(world) for _ in range(50)]
    refusals = await asyncio.gather(*(reserve(world.service, batch) for batch in batches))

    assert 10 == sum(refusal is None for refusal in refusals)
    assert [800, 800, 800] == await balances(world)


async def test_what_is_sealed_counts_and_what_is_not_stays_reserved(world: World) -> None:
    """In whatever order they are told, the later word stays."""
    batch = await a_batch(world, lines=20, expected=400 * CENT)
    await reserve(world.service, batch)
    rows = []
    for sealed in (1, 2):
        await settle(world.service, batch, [row(batch, index) for index in range(sealed)])
        rows.append(await balances(world))
    await settle(world.service, batch, [row(batch, 0)])  # late
    await reserve(world.service, batch)  # once more

    assert [[280] * 3, [160] * 3] == rows
    assert [160] * 3 == await balances(world)


def row(batch: Batch, index: int) -> ChunkRow:
    """A sealed chunk of ten lines."""
    usage = Usage(input_tokens=20, output_tokens=30)
    now = datetime.now(UTC)
    return ChunkRow(batch_id=batch.id, index=index, completed=10, usage=usage, seal="s", sealed_at=now)


async def test_storage_that_fails_between_the_accounts(world: World) -> None:
    """Called again, the reservation is whole; nothing is counted twice."""
    batch, real = await a_batch(world), world.service.stores.spending

    class Fails:
        """After the first account."""

        asked = 0

        async def put(self, account: str, *values: Any, **named: Any) -> tuple[Amount, int]:
            self.asked += 1
            if self.asked == 2:
                raise Unavailable("down")
            return await real.put(account, *values, **named)

    with use(with_stores(world.service, spending=Fails())) as faulty, pytest.raises(Unavailable):
        await reserve(faulty, batch)
    assert [80, 0, 0] == await balances(world)
    assert await reserve(world.service, batch) is None
    assert [80, 80, 80] == await balances(world)


async def test_a_cancelled_batch_gives_back_what_it_did_not_spend(world: World) -> None:
    """All of it, if nothing has run."""
    batch = await a_batch(world)
    await reserve(world.service, batch)
    stored = await world.service.stores.batches.get(OWNER, batch.id)
    cancelled = msgspec.structs.replace(stored.value, status=Status.CANCELLING, cancelling_at=datetime.now(UTC))
    await world.service.stores.batches.replace(cancelled, stored.version)
    await run_to_end(world, batch)

    assert [0, 0, 0] == await balances(world)
