"""Sealing a chunk: its result lines, in input order, become blocks of the batch's output and error blobs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from shared.answer_room import Share
from shared.domain.batches.chunk import ChunkRow, block_id, result_blob
from shared.domain.batches.failures import Failure, merged, read_failure
from shared.ports.blobs import BlobStore
from shared.run.chunks.journal import Result

BLOCK_BYTES = 4 * 1024 * 1024


class _Stream:
    """One of the two result blobs, written as blocks of up to BLOCK_BYTES; a line that is larger is a block of its own.

    `held`: bytes that are not staged yet. Such a line is not copied, nor kept while the next one is read.
    """

    def __init__(self, blobs: BlobStore, row: ChunkRow, kind: str, seal: str) -> None:
        self._blobs, self._row, self._seal = blobs, row, seal
        self._name = result_blob(row.batch_id, kind)
        self._lines: list[bytes] = []
        self.held = 0
        self.blocks = 0

    async def add(self, data: bytes) -> None:
        if self.held + len(data) > BLOCK_BYTES:
            await self.end()
        self._lines.append(data)
        self.held += len(data)
        if self.held >= BLOCK_BYTES:
            await self.end()

    async def end(self) -> None:
        if self._lines:
            block = b"".join(self._lines)
            self._lines.clear()
            await self._blobs.stage_block(self._name, block_id(self._row.index, self.blocks, self._seal), block)
            self.blocks += 1
            self.held = 0


async def seal_chunk(
    blobs: BlobStore, row: ChunkRow, results: AsyncIterator[Result], share: Share, *, at: datetime
) -> ChunkRow:
    """Stage the results' blocks and return the sealed row; the caller writes it under compare-and-swap.

    `share` is what the results take; of it is given back what is staged. Until the row is written nothing has happened:
    blocks staged by a seal that lost are dropped at the commit.
    """
    seal = os.urandom(4).hex()
    output, error = _Stream(blobs, row, "output", seal), _Stream(blobs, row, "error", seal)
    failed: list[Failure] = []
    async for result in results:
        if not result.completed:
            failed.append(read_failure(result.line, result.data))
        await (output if result.completed else error).add(result.data)
        del result  # It may be 100 MB, and the next one is read before this name would be given to it.
        share.give_back(but=output.held + error.held)
    await output.end()
    await error.end()
    blocks = {"output_blocks": output.blocks, "error_blocks": error.blocks}
    return msgspec.structs.replace(row, seal=seal, sealed_at=at, failures=merged([failed]), **blocks)
