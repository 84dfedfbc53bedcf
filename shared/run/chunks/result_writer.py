"""The writer of a lane's open chunks: finished lines become durable in groups, complete chunks are sealed.

While one group is written the next one gathers, and how long it gathers follows from what a write costs
(`domain/pace/write_pace`). Rows, whose counts callers see, are written once a second: on a crash the journal is asked.

A storage failure does not lose a paid answer: the writer asks the lane to stop, keeps what it has in memory, and
`close` tries again when everything in flight has come back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from typing import Any

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow, PlannedChunk
from shared.domain.errors import StorageFull, Unavailable
from shared.domain.pace.write_pace import WritePace
from shared.run.chunks.journal import Entry, Tried
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.do_all import do_all
from shared.run.usage.ledger import write_usage
from shared.services import Services

log = logging.getLogger(__name__)

CLOSE_PAUSES_SECONDS = (0.5, 1, 2, 4, 8)  # Paid answers are in memory: worth some patience with the storage.
FULL_PAUSES_SECONDS = (8.0,) * 75  # Ten minutes.
MOST_UNWRITTEN_BYTES = 33_554_432
MAX_OPEN_CHUNKS = 16  # Each one waits for a slow line; past this the feeder waits too.
COUNT_SECONDS = 1.0  # Between two writes of a chunk's row.
LEAST_SECONDS = 0.001  # A wait that a clock is sure to notice.


class ResultWriter:
    """`open` a chunk, `finish` its lines; `run` beside it; `close` at the end."""

    def __init__(
        self,
        service: Services,
        batch: Batch,
        chunks: Sequence[int],
        *,
        lane: int,
        lanes: int,
        stop: asyncio.Event,
    ) -> None:
        self._service = service
        self._batch = batch
        self._lane = lane
        self._lanes = lanes
        self._stop = stop
        self._open: dict[int, OpenChunk] = {}
        self._unwritten_bytes = 0
        self.unwritten = 0  # Finished lines that a crash would send again: counted up, and summed after each write.
        self._waiting = 0  # Those of them that wait for a journal; the others, for the seal of their chunk.
        self._enough = 1  # So many make the next write due.
        self._pace = WritePace(service.settings.journal_seconds, service.settings.journal_results)
        self._wrote_at = float("-inf")
        self._left = set(chunks)
        self._under_way: set[asyncio.Task[bool]] = set()  # seals and writes, which nobody may cut off
        self._due = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def done(self) -> bool:
        """Every chunk is sealed, or another lane's."""
        return not self._left

    @property
    def is_full(self) -> bool:
        """No further chunk may be open."""
        return len(self._open) >= MAX_OPEN_CHUNKS

    @property
    def is_half_full(self) -> bool:
        """No further chunk may be open whose turn has not come: one that has come must never wait for those."""
        return len(self._open) >= MAX_OPEN_CHUNKS // 2

    def leave(self, chunks: AbstractSet[int]) -> None:
        """These are another lane's."""
        self._left -= chunks

    async def open(self, chunk: PlannedChunk, *, adopts: bool = False) -> OpenChunk | None:
        """The chunk with its journal; None if there is nothing left to do in it, or another lane has it.

        `adopts`: it may be taken from a lane that is gone.
        """
        row = ChunkRow(batch_id=self._batch.id, index=chunk.index, lane=self._lane)
        service = self._service
        opened = await OpenChunk.claim(
            service.stores.blobs,
            service.stores.chunks,
            row,
            chunk,
            lanes=self._lanes,
            memory=service.capacity.results,
            adopts=adopts,
        )
        if opened is None:
            self._left.discard(chunk.index)
            return None
        self._open[chunk.index] = opened
        self._left.add(chunk.index)
        if opened.complete:  # The activity before this one was killed between its last line and the seal.
            self._seal_soon(opened)
            return None
        return opened

    async def has_room(self) -> None:
        """Wait until neither open chunks nor unwritten lines are too many: this bounds memory and repeated calls."""
        while not self._stop.is_set() and (
            self.is_full
            or self.unwritten >= 2 * self._service.settings.journal_results
            or self._unwritten_bytes >= MOST_UNWRITTEN_BYTES
        ):
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._moved.wait()

    def finish(self, chunk: OpenChunk, entry: Entry | Tried) -> None:
        """Count a finished line of an open chunk, or note what one that was let go has been through."""
        if chunk.is_over:
            return
        self._unwritten_bytes += chunk.journal.add(entry)
        self.unwritten += 1
        if chunk.complete:
            self._seal_soon(chunk)
            return
        self._waiting += 1
        if self._is_due:
            self._due.set()

    def _seal_soon(self, chunk: OpenChunk) -> None:
        self._begin(self._seal(chunk))

    def _begin(self, work: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _seal(self, chunk: OpenChunk) -> bool:
        try:
            await self._close_row(chunk)
        except Exception:  # whatever it is, the lane stops and `close` tries again
            log.exception("A chunk could not be sealed.", extra=self._trouble())
            return False
        self._let_go(chunk)
        self._written()
        await self._account(chunk)
        return True

    async def _close_row(self, chunk: OpenChunk) -> None:
        await chunk.seal(self._service.stores.blobs, self._service.stores.chunks, at=self._service.now())

    async def _account(self, chunk: OpenChunk) -> None:
        """Best effort: the end of the batch writes what is missing, and is near if this is its only chunk."""
        if chunk.row is not None and self._batch.chunks > 1:
            await write_usage(self._service, self._batch, [chunk.row])

    def _let_go(self, chunk: OpenChunk) -> None:
        """It is sealed, or another lane's."""
        chunk.journal.release()
        self._open.pop(chunk.chunk.index, None)
        self._left.discard(chunk.chunk.index)

    async def run(self) -> None:
        """Write journals when that is due, and rows that are behind. Ends by cancellation."""
        while True:
            await self._until_due()
            if not await asyncio.shield(self._begin(self._write())):
                await asyncio.sleep(self._service.settings.journal_seconds)

    async def _until_due(self) -> None:
        """Or until that has to be asked anew, a second at most."""
        self._enough, seconds = self._pace.enough(self._service.monotonic() - self._wrote_at)
        if not self._is_due:
            self._due.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(max(seconds, LEAST_SECONDS), COUNT_SECONDS)):
                    await self._due.wait()

    @property
    def _is_due(self) -> bool:
        """Lines of all chunks count together: small chunks fill no group alone. At the end none waits for others."""
        return self._waiting >= (1 if self._stop.is_set() else self._enough)

    async def _write(self) -> bool:
        try:
            await self._write_due()
        except Exception:  # as in _seal
            log.exception("A journal could not be written.", extra=self._trouble())
            return False
        return True

    async def _write_due(self) -> None:
        self._written()
        is_due, began = self._is_due, self._service.monotonic()
        chunks = [chunk for chunk in self._unsealed() if is_due or not chunk.journal.unwritten]
        await do_all(partial(self._keep, chunk) for chunk in chunks)
        if is_due:
            self._wrote_at = self._service.monotonic()
            self._pace.wrote(self._wrote_at - began)
            self._written()

    async def _keep(self, chunk: OpenChunk) -> None:
        await chunk.keep(self._service.stores.chunks, every_seconds=COUNT_SECONDS)
        if chunk.is_over:
            self._let_go(chunk)

    def _unsealed(self) -> list[OpenChunk]:
        """Open chunks without those that are being sealed, which makes their lines durable as well."""
        return [chunk for chunk in self._open.values() if not chunk.complete]

    def _written(self) -> None:
        self.unwritten = sum(chunk.journal.unwritten for chunk in self._open.values())
        self._unwritten_bytes = sum(chunk.journal.unwritten_bytes for chunk in self._open.values())
        self._waiting = sum(chunk.journal.unwritten for chunk in self._unsealed())
        self._moved.set()

    def _trouble(self) -> dict[str, str]:
        """Ask the lane to stop; returns what the log says beside the sentence."""
        self._stop.set()
        self._moved.set()
        return {"action": "keep_failed", "batch_id": self._batch.id}

    async def close(self) -> None:
        """Wait for what is under way, write the rest. Raises what keeps finished lines from being stored in the end."""
        try:
            while self._under_way:
                await asyncio.wait(self._under_way)
            await self._keep_patiently()
        finally:
            for chunk in self._open.values():
                chunk.journal.release()

    async def _keep_patiently(self) -> None:
        """Storage that is full waits for a person, who makes room."""
        pauses, full = iter(CLOSE_PAUSES_SECONDS), iter(FULL_PAUSES_SECONDS)
        while True:
            try:
                return await self._keep_all()
            except Unavailable as error:
                pause = next(full if isinstance(error, StorageFull) else pauses, None)
                if pause is None:
                    raise
                await asyncio.sleep(pause)

    async def _keep_all(self) -> None:
        for chunk in list(self._open.values()):
            if chunk.complete:
                await self._close_row(chunk)
            else:
                await chunk.keep(self._service.stores.chunks)
            if chunk.is_over:
                self._left.discard(chunk.chunk.index)
