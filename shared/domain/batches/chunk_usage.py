"""What a sealed chunk adds to the ledger. Rule of this file: it follows from records that do not change any more."""

from __future__ import annotations

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.deployments.charges import charges_of
from shared.domain.usage.ledger import Amounts, LedgerRow, Tally


def ledger_row(batch: Batch, row: ChunkRow) -> LedgerRow | None:
    """None for a chunk that is open, or of which nothing ran.

    Chunks that an older version sealed do not say when: they count at the end of their batch, which must have come.
    """
    if not row.sealed or not row.finished or batch.deployment is None:
        return None
    charges = charges_of(row.usage, batch.price) if batch.price else ()
    amounts = Amounts(completed=row.completed, failed=row.failed, usage=row.usage, charges=charges)
    return LedgerRow(
        project=batch.owner,
        batch_id=batch.id,
        chunk=row.index,
        sealed_at=row.sealed_at or batch.stopped_at,
        tally=Tally(model=batch.deployment, endpoint=batch.endpoint, key_id=batch.key_id, amounts=amounts),
    )
