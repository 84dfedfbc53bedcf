"""Sealing a chunk: its result lines, in input order, become blocks of the batch's output and error blobs.

Those of a grouped batch wait in blobs of their own, each behind the number of its line, until the batch ends and they
are merged (`merge`).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

import msgspec

from shared.answer_room import Share
from shared.domain.batches.chunk import ChunkRow, block_id, result_blob, unordered_blob
from shared.domain.batches.failures import Failure, merged, read_failure
from shared.ports.blobs import BlobStore
from shared.run.chunks.journal import Result
from shared.run.chunks.merge import number_before
from shared.run.chunks.result_stream import ResultStream


async def seal_chunk(
    blobs: BlobStore, row: ChunkRow, results: AsyncIterator[Result], share: Share, *, at: datetime, grouped: bool
) -> ChunkRow:
    """Stage the results' blocks and return the sealed row; the caller writes it under compare-and-swap.

    `share` is what the results take; of it is given back what is staged. Until the row is written nothing has happened:
    blocks staged by a seal that lost are dropped at the commit.
    """
    seal = os.urandom(4).hex()
    name_of, id_of = unordered_blob if grouped else result_blob, partial(block_id, row.index, seal=seal)
    names = (name_of(row.batch_id, kind) for kind in ("output", "error"))
    output, error = (ResultStream(partial(blobs.stage_block, name), id_of) for name in names)
    failed: list[Failure] = []
    async for result in results:
        if not result.completed:
            failed.append(read_failure(result.line, result.data))
        stream = output if result.completed else error
        if grouped:
            await stream.add(number_before(result.line))
        await stream.add(result.data)
        del result  # It may be 100 MB, and the next one is read before this name would be given to it.
        share.give_back(but=output.held + error.held)
    await output.end()
    await error.end()
    sizes = {"output_bytes": output.size, "error_bytes": error.size} if grouped else {}
    blocks = {"output_blocks": output.blocks, "error_blocks": error.blocks}
    return msgspec.structs.replace(row, seal=seal, sealed_at=at, failures=merged([failed]), **blocks, **sizes)
