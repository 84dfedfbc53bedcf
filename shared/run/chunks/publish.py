"""The end of a batch's results: blocks of sealed chunks become a blob that can be read."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow, block_id, result_blob, unordered_blob
from shared.run.chunks.merge import merge, spans_of
from shared.services import Services


async def commit_results(service: Services, batch: Batch, kind: str, rows: Sequence[ChunkRow]) -> int | None:
    """Make one result blob readable, whose chunks are all sealed; its size, or None where the vendor has no empty file.

    May be repeated. Raises BlobMissing where another call has done it, and removed what was to be merged.
    """
    blobs, name = service.stores.blobs, result_blob(batch.id, kind)
    block_ids = [block_id(row.index, part, row.seal or "") for row in rows for part in range(_blocks(row, kind))]
    if not block_ids and not batch.rules.keeps_empty_files:
        await blobs.delete(name)  # What a seal that was cut off has staged.
        return None
    if batch.grouped and block_ids:
        source = unordered_blob(batch.id, kind)
        await blobs.commit_blocks(source, block_ids)
        with service.capacity.results.read_back.share() as share:
            block_ids = await merge(blobs, source, spans_of(_bytes(row, kind) for row in rows), name, share)
    return await blobs.commit_blocks(name, block_ids)


def _blocks(row: ChunkRow, kind: str) -> int:
    return row.output_blocks if kind == "output" else row.error_blocks


def _bytes(row: ChunkRow, kind: str) -> int:
    return row.output_bytes if kind == "output" else row.error_bytes
