"""A chunk being worked on: its journal, and its row under compare-and-swap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Self

import msgspec

from shared.answer_room import ResultMemory
from shared.domain.batches.chunk import ChunkRow, PlannedChunk
from shared.ports.base import Changed
from shared.ports.blobs import BlobStore
from shared.ports.chunks import ChunkStore
from shared.run.chunks.journal import Journal
from shared.run.chunks.seal import seal_chunk
from shared.telemetry.metrics import KEEP_DURATION


class OpenChunk:
    """`keep` often, `seal` once; both may run beside calls that still add to the journal.

    The journal is the truth about what has finished. The row's counts, which callers see, may be behind it.

    `lost`: another lane took this one for dead and has the chunk, or its lines are not those that were planned; nothing
    of it is written any more.
    """

    def __init__(self, chunk: PlannedChunk, journal: Journal, version: str | None) -> None:
        self.chunk = chunk
        self.journal = journal
        self.sealed = False
        self.lost = False
        self.row: ChunkRow | None = None  # As it is stored, whoever sealed it.
        self._version = version
        self._counted = 0  # Lines that the stored row counts, as far as this process knows.
        self._counted_at = time.monotonic()
        self._keeping = asyncio.Lock()
        self._awaited: list[asyncio.Future[None]] = []  # by whoever waits until its line is written

    @classmethod
    async def claim(
        cls,
        blobs: BlobStore,
        chunks: ChunkStore,
        row: ChunkRow,
        chunk: PlannedChunk,
        *,
        lanes: int,
        memory: ResultMemory,
        adopts: bool = False,
    ) -> Self | None:
        """The chunk with all that was journaled before; None if it is sealed or another lane's.

        The first of `lanes` to insert `row` has the chunk, until one that `adopts` takes it from a lane that is gone.
        """
        try:
            return cls(chunk, Journal(blobs, row, memory), await chunks.put(row, None))
        except Changed:
            pass
        while (stored := await chunks.get(row.batch_id, row.index)) and not stored.value.sealed:
            if not adopts and not stored.value.belongs_to(row.lane, lanes):
                return None
            try:  # Written in any case: whoever else believes to have the chunk then finds out.
                version = await chunks.put(msgspec.structs.replace(stored.value, lane=row.lane), stored.version)
            except Changed:
                continue
            return cls(chunk, await Journal.open(blobs, row, memory), version)
        return None

    @property
    def is_over(self) -> bool:
        """Sealed, by whomever, or lost: nothing of it has to be sent or written any more."""
        return self.sealed or self.lost

    @property
    def complete(self) -> bool:
        return len(self.journal.finished) >= self.chunk.lines

    def has(self, lines: Mapping[int, bytes]) -> bool:
        """Whether `lines`, by number, are those that were planned; if not, this chunk is for `finish_batch` to end.

        Entries of the journal for lines that the chunk does not have are dropped.
        """
        self.lost = not self.chunk.holds([*lines.values()])
        for foreign in () if self.lost else self.journal.finished.keys() - lines.keys():
            del self.journal.finished[foreign]
        return not self.lost

    async def keep(self, chunks: ChunkStore, *, every_seconds: float = 0.0) -> None:
        """Make finished lines durable, then count them in the row: the latter at most `every_seconds`."""
        async with self._keeping:
            if self.is_over:
                return
            row = self._uncounted(every_seconds)  # What has finished by now; the write below makes all of it durable.
            if self.journal.unwritten:
                began = time.monotonic()
                await self._write()
                KEEP_DURATION.record(time.monotonic() - began, {})
            if row is not None and await self._put(chunks, row):
                self._counted, self._counted_at = row.finished, time.monotonic()
            if self.is_over:
                self._wake()

    def _uncounted(self, every_seconds: float) -> ChunkRow | None:
        """The row with what the stored one lacks; None if that is nothing, or was written a moment ago."""
        if len(self.journal.finished) == self._counted or time.monotonic() - self._counted_at < every_seconds:
            return None
        return self.journal.row

    async def _write(self) -> None:
        awaited = len(self._awaited)  # Who comes later may have finished too late for this write.
        await self.journal.write()
        self._wake(awaited)

    def _wake(self, count: int | None = None) -> None:
        """The first so many; all, where nothing more will be written."""
        count = len(self._awaited) if count is None else count
        ready, self._awaited = self._awaited[:count], self._awaited[count:]
        for turn in ready:
            if not turn.done():
                turn.set_result(None)

    async def written(self) -> None:
        """Wait until what has finished by now is in the store, or nothing of the chunk will be written any more."""
        if self.journal.unwritten and not self.is_over:
            turn = asyncio.get_running_loop().create_future()
            self._awaited.append(turn)
            await turn

    async def seal(self, blobs: BlobStore, chunks: ChunkStore, *, at: datetime) -> None:
        """Stage the result blocks and close the row for ever; `at` is now."""
        async with self._keeping:
            try:
                if not self.is_over:  # Staged blocks cannot be read before the end; whoever reads results, reads this.
                    await self._write()
                while not self.is_over:
                    with self.journal.share() as share:
                        results, grouped = self.journal.results(share), self.chunk.numbers is not None
                        row = await seal_chunk(blobs, self.journal.row, results, share, at=at, grouped=grouped)
                    self.sealed = await self._put(chunks, row)
            finally:  # If it failed, it is tried again when all calls of the lane have ended.
                self._wake()
            self.journal.release()

    async def _put(self, chunks: ChunkStore, row: ChunkRow) -> bool:
        """False if another activity has changed the row meanwhile; sealed by it, the chunk is done all the same."""
        try:
            self._version = await chunks.put(row, self._version)
        except Changed:
            stored = await chunks.get(row.batch_id, row.index)
            self._version = stored.version if stored else None
            self.sealed = bool(stored and stored.value.sealed)
            self.lost = not self.sealed and stored is not None and stored.value.lane != row.lane
            self.row = stored.value if stored and self.sealed else None
            return self.sealed
        self.row = row if row.sealed else None
        return True
