"""How often a batch with a price calls Azure's tables, by the emulator's own log: what accounts and ledger cost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.reserve_quota import reserve_quota
from bench.transactions import count
from shared.azure.connect import azure_stores_from_connection_string
from shared.azure.names import Names
from shared.domain.batches.batch import Batch, Status
from shared.services import use
from tests import azurite as emulator
from tests.run.conftest import World, opened_world
from tests.run.test_lane import cursor, run_to_end
from tests.run.test_spending import CENT, PRICE, limit, project

TABLES = {"accounts": f"table calls: {Names().spending}", "ledger": f"table calls: {Names().usage}"}
FEW, MANY = 4, 24  # Chunks of ten lines.
LOG_SECONDS = 1.0  # The emulator writes its log a moment later.


class Counted:
    """A world on an Azurite of its own, whose calls are counted."""

    def __init__(self, world: World, log: Path) -> None:
        self.world = world
        self._log = log

    async def run(self, chunks: int, **changes: Any) -> Counter[str]:
        """Calls of one batch of so many chunks, by what they are for."""
        batch = await self.world.batch(10 * chunks, **changes)
        await asyncio.sleep(LOG_SECONDS)
        begin = self._log.stat().st_size
        ended = await self._ended(batch)
        await asyncio.sleep(LOG_SECONDS)
        calls = count(self._log.read_bytes()[begin:].decode())
        assert ended.status is Status.COMPLETED
        return Counter({what: calls[name] for what, name in TABLES.items()})

    async def _ended(self, batch: Batch) -> Batch:
        with use(self.world.service):
            await reserve_quota(cursor(batch))
            return await run_to_end(self.world, batch)


@pytest.fixture
async def counted(azurite: str, tmp_path: Path) -> AsyncIterator[Counted]:
    assert azurite  # It can be run; its log tells nothing of single calls.
    log = tmp_path / "azurite.log"
    with emulator.running(log, access_log=True) as connection:
        stores = azure_stores_from_connection_string(connection)
        async with opened_world(tmp_path) as local:
            world = World(replace(local.service, stores=stores), local.upstream)
            with use(world.service):
                yield Counted(world, log)
        await stores.close()


async def test_without_a_price_nothing_is_asked(counted: Counted) -> None:
    """Neither accounts nor ledger have anything to do with the batch but its tokens."""
    assert (await counted.run(FEW))["accounts"] == 0


async def test_accounts_cost_a_batch_and_not_its_chunks(counted: Counted) -> None:
    """A limit that does not stop batches is asked at the begin of the batch and of its slices, and at the end."""
    await project(counted.world, spend_limit=limit(10**9))
    priced = {"price": PRICE, "expected_picos": 8 * CENT, "key_id": "k" * 32}
    await counted.run(1, **priced)  # Makes tables, and the balances of the day.
    few, many = await counted.run(FEW, **priced), await counted.run(MANY, **priced)

    assert few["accounts"] == many["accounts"] <= 24
    assert many["ledger"] - few["ledger"] == MANY - FEW


async def test_a_limit_that_stops_costs_a_few_calls_a_chunk(counted: Counted) -> None:
    """Where there is plenty: a chunk holds what all of its lines cost at once."""
    await project(counted.world, spend_limit=limit(10**9, stops_batches=True))
    priced = {"price": PRICE, "expected_picos": 8 * CENT, "key_id": "k" * 32}
    await counted.run(1, **priced)
    few, many = await counted.run(FEW, **priced), await counted.run(MANY, **priced)

    assert 0 < many["accounts"] - few["accounts"] <= 8 * (MANY - FEW)
