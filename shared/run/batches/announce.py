"""Noting whom to tell of the end of a batch, and reading the notes: one delivery for each endpoint that asked for it.

Rule of this file: `announce` is called before the record becomes final. A delivery whose record never says so is void
when it is looked at; a record that is final has its deliveries, whatever was killed when.
"""

from __future__ import annotations

from contextlib import suppress

from shared.domain.batches.batch import Batch
from shared.domain.webhooks.delivery import Delivery, new_delivery
from shared.ports import AlreadyExists, Stored
from shared.services import Services

_MOST = 1_000  # Endpoints of one owner; BATCH_MAX_WEBHOOK_ENDPOINTS may have been higher once.


async def announce(services: Services, batch: Batch) -> None:
    """Note the deliveries of `batch`, which is about to be stored in a terminal state. May be repeated."""
    for delivery in await _deliveries(services, batch):
        with suppress(AlreadyExists):
            await services.webhooks.insert_delivery(delivery)


async def announced(services: Services, batch: Batch) -> list[Stored[Delivery]]:
    """The deliveries of `batch`, which is stored in a terminal state, that have not ended."""
    notes = [await services.webhooks.get_delivery(delivery.id) for delivery in await _deliveries(services, batch)]
    return [note for note in notes if note is not None and not note.value.ended]


async def _deliveries(services: Services, batch: Batch) -> list[Delivery]:
    """As they are noted, under ids that follow from batch and endpoint."""
    endpoints = await services.webhooks.list_endpoints(batch.owner, limit=_MOST)
    deliveries = (new_delivery(batch, endpoint, services.now()) for endpoint in endpoints)
    return [delivery for delivery in deliveries if delivery is not None]
