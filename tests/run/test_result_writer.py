"""What is written, and when: journals by what a write costs, rows once a second, never before the journal."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from activities.work_lane import work_lane
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow, journal_blob
from shared.ports.base import BlobMissing
from shared.run.chunks.plan import read_all
from shared.services import use
from tests.run.conftest import OWNER, World, answer
from tests.with_stores import with_stores

SLOW = {"p1", "p11", "p21", "p31"}  # One line of each chunk of ten keeps it open.


@dataclass
class SlowBlobs:
    """A store in front of another that counts appends, and takes its time for them."""

    store: Any
    append_seconds: float
    appends: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def append(self, name: str, data: bytes) -> None:
        self.appends += 1
        await asyncio.sleep(self.append_seconds)
        await self.store.append(name, data)


@dataclass
class WatchedChunks:
    """A store in front of another that looks into the journal whenever a row is written that is not the last."""

    store: Any
    blobs: Any
    rows: list[tuple[int, int]] = field(default_factory=list)  # Lines counted, and lines in the journal at that moment.

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def put(self, row: ChunkRow, version: str | None) -> str:
        if not row.sealed:
            self.rows.append((row.finished, await journaled(self.blobs, row.batch_id, row.index)))
        return str(await self.store.put(row, version))


@dataclass
class Watched:
    """What is written while a lane is at work."""

    blobs: SlowBlobs
    chunks: WatchedChunks


async def journaled(blobs: Any, batch_id: str, index: int) -> int:
    try:
        return (await read_all(blobs, journal_blob(batch_id, index))).count(b"\n")
    except BlobMissing:
        return 0


@asynccontextmanager
async def at_work(
    world: World,
    *,
    append_seconds: float = 0.0,
    monotonic: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> AsyncIterator[tuple[Batch, Watched]]:
    """A lane that has answers to all lines but the slow ones, which end with the block."""

    over = asyncio.Event()

    def script(prompt: str, _: int) -> Any:
        return over if prompt in SLOW else answer()

    world.upstream.script = script
    stores = world.service.stores
    watched = Watched(SlowBlobs(stores.blobs, append_seconds), WatchedChunks(stores.chunks, stores.blobs))
    service = replace(world.with_settings(journal_seconds=60.0, **settings), monotonic=monotonic)
    with use(with_stores(service, blobs=watched.blobs, chunks=watched.chunks)):
        batch = await world.batch(40)
        lane = asyncio.create_task(work_lane({"owner": OWNER, "batch_id": batch.id, "lane": 0, "lanes": 1}))
        try:
            yield batch, watched
        finally:
            over.set()
            await lane


async def test_answers_are_journaled_as_they_come(world: World) -> None:
    """None waits for a group to fill, nor for the longest time of a minute: a kill costs what is in flight.

    That holds where a write is cheap. A busy machine makes it dear, so what it costs is given.
    """
    world.upstream.latency_seconds = 0.02
    ticks = itertools.count()
    async with at_work(world, monotonic=lambda: next(ticks) * 0.0003) as (batch, _), asyncio.timeout(60):
        while [await journaled(world.service.stores.blobs, batch.id, index) for index in range(4)] != [9, 9, 9, 9]:
            await asyncio.sleep(0.05)

    assert set(world.upstream.asked.values()) == {1}


async def test_dear_writes_are_few(world: World) -> None:
    """36 answers that come within a tenth of a second to a store that takes 40 ms for a write are no 36 writes."""
    async with at_work(world, append_seconds=0.04) as (_, watched):
        await asyncio.sleep(1.5)
        while not (appends := watched.blobs.appends):
            await asyncio.sleep(0.05)

    assert 1 <= appends <= 12


async def test_rows_follow_the_journal(world: World) -> None:
    """A row never counts a line that a crash would lose, and is written about once a second, not with every line."""
    world.upstream.latency_seconds = 0.05
    async with at_work(world) as (_, watched):
        began = time.monotonic()
        async with asyncio.timeout(60):
            while 9 not in {counted for counted, _ in watched.chunks.rows}:
                await asyncio.sleep(0.05)
        seconds, rows = time.monotonic() - began, list(watched.chunks.rows)

    assert all(counted <= kept for counted, kept in rows)
    assert len(rows) <= 4 * (2 + seconds)  # Claimed, and counted once a second.
