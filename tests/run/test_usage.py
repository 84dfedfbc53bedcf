"""The ledger beside a run: it has what the result files have, and keeps no batch waiting."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from activities.work_lane import work_lane
from shared.answer_room import ResultMemory
from shared.domain.batches.batch import Status, UsageWritten
from shared.domain.batches.chunk import ChunkRow
from shared.domain.deployments.price import Price, Rates
from shared.domain.errors import Unavailable
from shared.domain.usage.ledger import LedgerRow, total
from shared.domain.usage.usage import Usage
from shared.domain.webhooks.event import BATCH_EVENTS
from shared.ports.usage import UsageStore
from shared.run.batches.change import change
from shared.run.chunks.journal import Entry
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.chunks.plan import read_plan
from shared.run.usage.ledger import write_usage
from shared.services import use
from tests.contracts.samples import a_webhook_endpoint
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import OWNER, World, answer
from tests.run.test_lane import cursor, run_to_end
from tests.with_stores import with_stores
from timers.settle_usage import settle_owed_usage

PRICE = Price(rates=Rates(input=7, output=11))


async def rows(world: World) -> list[LedgerRow]:
    due = [stored.value for stored in await world.service.stores.usage.due()]
    found = [
        row for hour in due for row in [row async for row in world.service.stores.usage.rows(hour.start, hour.project)]
    ]
    return sorted(found, key=lambda row: row.chunk)


class Down:
    """The ledger of a storage that is down, or hangs; it counts what it is asked to write."""

    def __init__(self, real: UsageStore, *, hangs: bool = False) -> None:
        self._real, self._hangs = real, hangs
        self.asked = 0

    async def write(self, rows: Any) -> None:
        self.asked += 1
        if self._hangs:
            await asyncio.sleep(3600)
        raise Unavailable("down")


@pytest.mark.parametrize("per_chunk", [100, 10])
async def test_the_ledger_has_what_the_output_file_has(world: World, per_chunk: int) -> None:
    """Requests and tokens to the last one, the cost to the last pico, in one chunk or in many; failed ones beside."""
    world.upstream.script = lambda prompt, _: answer(400 if prompt in ("p3", "p14") else 200)
    batch = await world.batch(25, per_chunk=per_chunk, price=PRICE, key_id="k" * 32)
    before = datetime.now(UTC)
    batch = await run_to_end(world, batch)
    used = [line["response"]["body"]["usage"] for line in await world.lines(batch.output_file_id)]
    found = await rows(world)
    amounts = total([row.tally.amounts for row in found])

    assert len(found) == -(-25 // per_chunk)
    assert (amounts.completed, amounts.failed) == (len(used), 2) == (23, 2)
    assert amounts.usage == batch.usage
    assert amounts.usage.input_tokens == sum(usage["prompt_tokens"] for usage in used)
    assert amounts.usage.output_tokens == sum(usage["completion_tokens"] for usage in used)
    assert sum(charge.picos for charge in amounts.charges) == 23 * (2 * 7 + 3 * 11)
    assert {(row.project, row.batch_id, row.tally.key_id, row.tally.model, row.tally.endpoint) for row in found} == {
        (OWNER, batch.id, "k" * 32, "m", "/v1/chat/completions")
    }
    assert all(before <= row.sealed_at <= datetime.now(UTC) for row in found)


async def test_rows_are_written_as_chunks_are_sealed(world: World) -> None:
    """Not only at the end of the batch, which may be a day away; then they are the same."""
    batch = await world.batch(20)
    await work_lane(cursor(batch))
    sealed = await rows(world)
    await finish_batch(cursor(batch))

    assert [row.chunk for row in sealed] == [0, 1]
    assert await rows(world) == sealed


async def test_who_lost_the_seal_has_the_row_that_won(world: World) -> None:
    """The ledger follows from what is stored: an activity that came twice has sealed an hour later, for nobody."""
    batch, stores = await world.batch(1), world.service.stores
    plan = await read_plan(stores.blobs, batch)
    row, now = ChunkRow(batch_id=batch.id, index=0), datetime.now(UTC)
    twins = [
        await OpenChunk.claim(stores.blobs, stores.chunks, row, plan.chunks[0], lanes=1, memory=ResultMemory(9_999))
    ]
    twins += [
        await OpenChunk.claim(stores.blobs, stores.chunks, row, plan.chunks[0], lanes=1, memory=ResultMemory(9_999))
    ]
    for hours, twin in enumerate(twins):
        twin.journal.add(Entry(1, True, Usage(input_tokens=1 + hours), None, msgspec.Raw(b"{}")))
    for hours, twin in enumerate(twins):
        await twin.seal(stores.blobs, stores.chunks, at=now + timedelta(hours=hours))
    (stored,) = await stores.chunks.list(batch.id)

    assert [twin.row for twin in twins] == [stored, stored]
    assert (stored.sealed_at, stored.usage) in [
        (now, Usage(input_tokens=1)),
        (now + timedelta(hours=1), Usage(input_tokens=2)),
    ]


async def test_what_ran_before_a_cancel_is_in_the_ledger(world: World) -> None:
    """Sealed by the end of the batch, with what never ran beside it."""
    gate = asyncio.Event()
    world.upstream.script = lambda prompt, _: answer() if prompt in ("p1", "p2") else gate
    batch = await world.batch(5)
    work = asyncio.create_task(work_lane(cursor(batch)))
    while len(world.upstream.asked) < 5:
        await asyncio.sleep(0.01)
    now = datetime.now(UTC)
    stored = await world.service.stores.batches.get(OWNER, batch.id)
    cancelled = {"status": Status.CANCELLING, "cancelling_at": now}
    await world.service.stores.batches.replace(replace(stored.value, **cancelled), stored.version)
    await work
    await finish_batch(cursor(batch))
    batch = await world.read(batch)
    (row,) = await rows(world)

    assert batch.status is Status.CANCELLED
    assert (row.tally.amounts.completed, row.tally.amounts.usage) == (batch.completed, batch.usage)
    assert batch.completed == 2


async def test_a_ledger_that_is_down_fails_no_batch(world: World) -> None:
    """It completes and owes; the timer writes it later, and nobody is told of the batch a second time."""
    stores = world.service.stores
    await stores.webhook_endpoints.insert(a_webhook_endpoint(1, owner=OWNER, event_types=BATCH_EVENTS))
    down = Down(stores.usage)
    batch = await world.batch(20)
    with use(with_stores(world.service, usage=down)):
        batch = await run_to_end(world, batch)
    owing = [one.id async for one in stores.batches.owing()]
    now = datetime.now(UTC)
    for delivery in [stored.value async for stored in stores.deliveries.due(now + timedelta(days=9))]:
        await stores.deliveries.delete(delivery)
    await settle_owed_usage(world.service)
    amounts = total([row.tally.amounts for row in await rows(world)])

    assert (batch.status, batch.usage_owed, batch.completed) == (Status.COMPLETED, True, 20)
    assert down.asked == 3  # each chunk as it was sealed, both at the end
    assert owing == [batch.id]
    assert (amounts.completed, amounts.usage) == (20, batch.usage)
    assert not (await world.read(batch)).usage_owed
    assert [one async for one in stores.deliveries.due(now + timedelta(days=9))] == []


async def test_a_ledger_that_hangs_is_given_up(world: World) -> None:
    """After some seconds."""
    batch = await world.batch(5)
    batch = await run_to_end(world, batch)
    hanging = with_stores(world.service, usage=Down(world.service.stores.usage, hangs=True))
    chunks = await world.service.stores.chunks.list(batch.id)

    assert not await write_usage(hanging, batch, chunks, patience_seconds=0.01)


async def test_a_batch_that_owes_nothing_stays_as_it_is(world: World) -> None:
    """Also when the timer says so twice."""
    batch = await run_to_end(world, await world.batch(5))

    assert await change(world.service, batch, UsageWritten()) == batch
