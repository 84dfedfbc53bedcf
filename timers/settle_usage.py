"""Writes to the ledger what batches owe it that have ended: storage did not take it then."""

from __future__ import annotations

import logging
from functools import partial

from shared.domain.batches.batch import Batch, UsageWritten
from shared.run.batches.change import change
from shared.run.do_all import do_all
from shared.run.usage.ledger import settle_usage
from shared.services import Services

log = logging.getLogger(__name__)


async def settle_owed_usage(service: Services) -> None:
    """One pass over those that owe."""
    owing = [batch async for batch in service.stores.batches.owing()]
    await do_all(partial(_settle, service, batch) for batch in owing)


async def _settle(service: Services, batch: Batch) -> None:
    await settle_usage(service, batch, await service.stores.chunks.list(batch.id), ended=True)
    await change(service, batch, UsageWritten())
    log.info("Usage that a batch owed is in the ledger.", extra={"action": "usage_settled", "batch_id": batch.id})
