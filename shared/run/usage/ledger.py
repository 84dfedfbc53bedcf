"""Writing the ledger: what sealed chunks used. It never holds a batch up: what storage does not take is owed.

May be repeated with the same chunks at any time: the rows are the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.chunk_usage import ledger_row
from shared.domain.usage.ledger import LedgerHour, LedgerRow
from shared.run.usage.spending import settle
from shared.services import Services

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0


async def write_usage(
    service: Services,
    batch: Batch,
    chunks: Sequence[ChunkRow],
    *,
    ended: bool = False,
    patience_seconds: float = PATIENCE_SECONDS,
) -> bool:
    """Whether the ledger now has what these chunks used; if not, it is to be tried again. `ended`: they are all."""
    try:
        async with asyncio.timeout(patience_seconds):
            await settle_usage(service, batch, chunks, ended=ended)
    except Exception as error:  # whatever it is, it is no fault of the batch
        extra = {"action": "usage_owed", "batch_id": batch.id, "reason": str(error) or type(error).__name__}
        log.warning("What a batch used is not in the ledger yet; it is written later.", extra=extra)
        return False
    return True


async def settle_usage(service: Services, batch: Batch, chunks: Sequence[ChunkRow], *, ended: bool) -> None:
    """The same for whoever has time. Raises what storage raises."""
    hours: defaultdict[LedgerHour, list[LedgerRow]] = defaultdict(list)
    for chunk in chunks:
        if (row := ledger_row(batch, chunk)) is not None:
            hours[row.hour].append(row)
    for rows in hours.values():
        await service.stores.usage.write(rows)
    if ended:
        await settle(service, batch, chunks, ended=True)
