"""Spend limits that stop batches which run: what was sent is kept, nothing more begins (docs/projects-and-keys.md)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from activities.reserve_quota import reserve_quota
from activities.work_lane import work_lane
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.spending import reservation_day
from shared.run.usage.spending import settle
from shared.services import use
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor, run_to_end
from tests.run.test_spending import CENT, a_batch, balances, limit, project, row
from tests.with_stores import with_stores

CODE = "project_spend_limit_exceeded"
LINE = 8  # Cents that each answer costs.
IN_FLIGHT = 8  # Requests, of all lanes of the deployment.


def stopping(cents: int, **changes: Any) -> Any:
    return limit(cents, **changes, stops_batches=True)


async def spent(world: World, *batches: Batch) -> int:
    """Cents, by the lines of the output files."""
    return sum([LINE * len(await world.lines((await world.read(batch)).output_file_id)) for batch in batches])


async def run_all(world: World, *batches: Batch) -> None:
    await asyncio.gather(*(run_to_end(world, batch) for batch in batches))


async def test_a_reached_limit_stops_a_batch_that_runs(world: World) -> None:
    """It is cancelled and says why; each line is in one file, the account has what was spent, to the cent."""
    await project(world, spend_limit=stopping(400))
    batch = await run_to_end(world, await a_batch(world, lines=100, expected=0))
    (error,) = batch.errors
    output, failed = await world.lines(batch.output_file_id), await world.lines(batch.error_file_id)

    assert (batch.status, error.code) == (Status.CANCELLED, CODE)
    assert "The spend limit of this project was reached while the batch ran: 4.00 USD a month." in error.message
    assert {line["error"]["code"] for line in failed} == {CODE}
    assert len({line["custom_id"] for line in (*output, *failed)}) == len(output) + len(failed) == 100
    assert (batch.completed, batch.failed) == (len(output), 0)
    assert [failure.code for failure in batch.failures] == [CODE]
    assert 400 <= await spent(world, batch) <= 400 + IN_FLIGHT * LINE
    assert [await spent(world, batch)] * 3 == await balances(world)


@pytest.mark.parametrize("own", [True, False, None])
@pytest.mark.parametrize("setting", [True, False])
async def test_whether_it_stops_says_the_limit_or_else_the_setting(
    world: World, own: bool | None, setting: bool
) -> None:
    """The limit's own word goes first."""
    await project(world, model_spend_limits={"m": limit(100, stops_batches=own)})
    with use(world.with_settings(spend_limit_stops=setting)):
        batch = await run_to_end(world, await a_batch(world, lines=40, expected=0))

    stops = setting if own is None else own
    assert batch.status is (Status.CANCELLED if stops else Status.COMPLETED)


async def test_what_is_in_flight_ends_by_its_own_time(world: World) -> None:
    """No answer that is paid for is thrown away, however long it takes: a caller's cancel would cut it off."""
    world.upstream.script = lambda prompt, _: 0.01 if int(prompt[1:]) < 10 else 1.5
    await project(world, spend_limit=stopping(LINE * 9))
    batch = await run_to_end(world, await a_batch(world, lines=40, expected=0))

    assert world.service.settings.drain_seconds < 1.0
    assert batch.status is Status.CANCELLED
    assert len(world.upstream.asked) == batch.completed < 40


async def test_the_record_says_so_while_requests_are_in_flight(world: World) -> None:
    """The batch is `cancelling` with its reason as soon as that is known."""
    over = asyncio.Event()
    world.upstream.script = lambda prompt, _: answer() if int(prompt[1:]) < 9 else over
    await project(world, spend_limit=stopping(LINE))
    batch = await a_batch(world, lines=40, expected=0)
    running = asyncio.create_task(work_lane(cursor(batch)))
    async with asyncio.timeout(30):
        while (now := await world.read(batch)).status is Status.IN_PROGRESS:
            await asyncio.sleep(0.01)
    over.set()
    await running

    assert (now.status, now.is_stopped, [error.code for error in now.errors]) == (Status.CANCELLING, True, [CODE])


async def test_batches_side_by_side_spend_no_more_together(world: World) -> None:
    """But for what is in flight: each holds what it is about to spend, and sees what others hold."""
    await project(world, spend_limit=stopping(1000))
    batches = [await a_batch(world, lines=60, expected=0) for _ in range(4)]
    await run_all(world, *batches)

    assert {(await world.read(batch)).status for batch in batches} >= {Status.CANCELLED}
    assert await spent(world, *batches) <= 1000 + IN_FLIGHT * LINE
    assert [await spent(world, *batches)] * 3 == await balances(world)


async def test_a_batch_may_spend_what_it_has_reserved_in_any_order(world: World) -> None:
    """Its first answers are dear, its last ones cheap, and together they fit to the cent: it is not stopped."""
    world.upstream.script = lambda prompt, _: answer(
        body={"model": "m", "usage": {"prompt_tokens": 2, "completion_tokens": 5 if int(prompt[1:]) <= 20 else 1}}
    )
    await project(world, spend_limit=stopping(40 * LINE))
    batch = await a_batch(world, lines=40)
    assert await reserve_quota(cursor(batch)) == {"outcome": "admitted"}

    assert (await run_to_end(world, batch)).status is Status.COMPLETED
    assert await balances(world) == [40 * LINE] * 3


async def test_what_a_chunk_held_and_did_not_spend_goes_back(world: World) -> None:
    """One answer costs as much as all others together, which fit beside it to the cent."""
    world.upstream.script = lambda prompt, _: answer(
        body={"model": "m", "usage": {"prompt_tokens": 2, "completion_tokens": 47 if prompt == "p1" else 0}}
    )
    await project(world, spend_limit=stopping(96 + 39 * 2))

    assert (await run_to_end(world, await a_batch(world, lines=40, expected=0))).status is Status.COMPLETED


async def test_a_limit_that_is_lowered_stops_what_runs(world: World) -> None:
    """Also what was reserved under the higher one: when its next slice begins."""
    batch = await a_batch(world, lines=40, expected=40 * LINE * CENT)
    assert await reserve_quota(cursor(batch)) == {"outcome": "admitted"}
    await project(world, spend_limit=stopping(10 * LINE))

    assert (await run_to_end(world, batch)).status is Status.CANCELLED
    assert 10 * LINE <= await spent(world, batch) <= (10 + IN_FLIGHT) * LINE


async def test_settling_on_two_days_never_shows_less_than_is_spent(world: World) -> None:
    """A chunk that held money before midnight and was sealed after it counts there before it is held no more."""
    batch = await a_batch(world, lines=20, expected=0)
    account, first = f"USD:project:{batch.owner}", reservation_day(batch)
    spending, seen = world.service.stores.spending, []

    class Looks:
        """At both days together, after each write."""

        async def put(self, account_of: str, *values: Any, **named: Any) -> Any:
            done = await spending.put(account_of, *values, **named)
            seen.append(sum((await spending.balances(account, first, first + timedelta(days=2))).values()))
            return done

    await spending.hold(account, first, batch.id, 0, 80 * CENT, most=100 * CENT)
    sealed = msgspec.structs.replace(row(batch, 0), sealed_at=batch.created_at + timedelta(days=1))
    with use(with_stores(world.service, spending=Looks())) as service:
        await settle(service, batch, [sealed])

    assert min(seen) == seen[-1] == 80 * CENT
