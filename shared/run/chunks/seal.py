"""Sealing a chunk: its result lines, in input order, become blocks of the batch's output and error blobs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from shared.domain.batches.chunk import ChunkRow, block_id, result_blob
from shared.ports.blobs import BlobStore
from shared.run.chunks.journal import Result

BLOCK_BYTES = 4 * 1024 * 1024


class _Stream:
    """One of the two result blobs, written as blocks of about BLOCK_BYTES; memory is one block and one line.

    A line as large as that is a block of its own, and is not copied.
    """

    def __init__(self, blobs: BlobStore, row: ChunkRow, kind: str, seal: str) -> None:
        self._blobs, self._row, self._seal = blobs, row, seal
        self._name = result_blob(row.batch_id, kind)
        self._buffer = bytearray()
        self.blocks = 0

    async def add(self, data: bytes) -> None:
        if len(data) >= BLOCK_BYTES:
            await self.end()
            await self._stage(data)
            return
        self._buffer += data
        if len(self._buffer) >= BLOCK_BYTES:
            await self.end()

    async def end(self) -> None:
        if self._buffer:
            await self._stage(bytes(self._buffer))
            self._buffer.clear()

    async def _stage(self, block: bytes) -> None:
        await self._blobs.stage_block(self._name, block_id(self._row.index, self.blocks, self._seal), block)
        self.blocks += 1


async def seal_chunk(blobs: BlobStore, row: ChunkRow, results: AsyncIterator[Result], *, at: datetime) -> ChunkRow:
    """Stage the results' blocks and return the sealed row; the caller writes it under compare-and-swap.

    Until the row is written nothing has happened: blocks staged by a seal that lost are dropped at the commit.
    """
    seal = os.urandom(4).hex()
    output, error = _Stream(blobs, row, "output", seal), _Stream(blobs, row, "error", seal)
    async for result in results:
        await (output if result.completed else error).add(result.data)
    await output.end()
    await error.end()
    blocks = {"output_blocks": output.blocks, "error_blocks": error.blocks}
    return msgspec.structs.replace(row, seal=seal, sealed_at=at, **blocks)
