"""A batch that runs, as its chunk rows say: the record has its counts at the end only."""

from __future__ import annotations

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.failures import merged
from shared.domain.usage.usage import total


def with_progress(batch: Batch, rows: list[ChunkRow]) -> Batch:
    """A running batch as a caller may see it now: counts and usage summed over its chunk rows."""
    if batch.is_terminal or not rows:
        return batch
    return msgspec.structs.replace(
        batch,
        completed=sum(row.completed for row in rows),
        failed=sum(row.failed for row in rows),
        usage=total([row.usage for row in rows]),
        failures=merged(row.failures for row in rows),
        model=next((row.model for row in rows if row.model), batch.model),
    )
