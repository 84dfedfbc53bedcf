"""What clearing old batches costs, and what calls notice of it: `python -m bench.forgetting [--batches 20000]`.

Azurite holds that many batches that ended long ago, each with its chunk rows, and one of today. The timer's own pass
clears them, 2,000 at a time, while this process reads the one of today again and again, as `GET` does; the same reads
without the timer come first.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.report import print_table
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.ids import new_id
from shared.ports.stores import Stores
from shared.services import Services
from shared.settings import Settings
from tests import azurite
from tests.contracts.samples import a_batch
from timers.forget_batches import MOST, forget_batches

AT_ONCE = 16
NOW = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
OWNER = "default"
READS = 500


def ended(number: int, age: timedelta) -> Batch:
    at = NOW - age
    batch_id = new_id(at, number.to_bytes(10, "big"))
    return a_batch(number, owner=OWNER, id=batch_id, created_at=at, status=Status.COMPLETED)


async def fill(stores: Stores, batches: int, chunks: int) -> None:
    limit = asyncio.Semaphore(AT_ONCE)

    async def put(number: int) -> None:
        async with limit:
            batch = ended(number, timedelta(days=400, seconds=number))
            await stores.batches.insert(batch)
            for index in range(chunks):
                await stores.chunks.put(ChunkRow(batch_id=batch.id, index=index), None)

    await asyncio.gather(*map(put, range(batches)))


async def timed(read: Callable[[], Awaitable[Any]], seconds: list[float], most: int | None = None) -> None:
    """Fifty times a second, until it is cancelled or `most` are read."""
    while most is None or len(seconds) < most:
        began = time.perf_counter()
        await read()
        seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)


async def measure(connection: str, batches: int, chunks: int) -> None:
    stores = azure_stores_from_connection_string(connection)
    service: Any = Services(settings=Settings(), stores=stores, upstream=None, webhook_sender=None, now=lambda: NOW)  # type: ignore[arg-type]
    today = ended(batches, timedelta(hours=1))
    await stores.batches.insert(today)
    await fill(stores, batches, chunks)

    async def read() -> None:
        assert await stores.batches.get(OWNER, today.id) is not None

    before: list[float] = []
    meanwhile: list[float] = []
    await timed(read, before, READS)
    reading = asyncio.create_task(timed(read, meanwhile))
    began = time.perf_counter()
    for _ in range(-(-batches // MOST)):
        await forget_batches(service)
    passed = time.perf_counter() - began
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    assert [batch.id for batch in await stores.batches.list(OWNER, limit=9)] == [today.id]
    rows = batches * (1 + chunks)
    print(f"{batches:,} batches, {rows:,} rows: {passed:.1f} s, {rows / passed:,.0f} rows a second")
    print_table(
        "A read of today's batch",
        ("", "median ms", "p95 ms"),
        [("alone", *in_ms(before)), ("while old ones are cleared", *in_ms(meanwhile))],
    )
    await stores.close()


def in_ms(seconds: list[float]) -> tuple[float, float]:
    return 1000 * statistics.median(seconds), 1000 * statistics.quantiles(seconds, n=20)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=20_000)
    parser.add_argument("--chunks", type=int, default=4, help="chunk rows of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, azurite.running(Path(folder) / "azurite.log") as connection:
        asyncio.run(measure(connection, options.batches, options.chunks))


if __name__ == "__main__":
    main()
