"""Noting whom to tell of the end of a batch: one delivery for each endpoint that asked for it.

Rule of this file: it is called before the record becomes final. A delivery whose record never says so is void when it
is looked at; a record that is final has its deliveries, whatever was killed when.
"""

from __future__ import annotations

from contextlib import suppress

from shared.domain.batch import Batch
from shared.domain.webhook_delivery import new_delivery
from shared.ports import AlreadyExists
from shared.services import Services

_MOST = 1_000  # Endpoints of one owner; BATCH_MAX_WEBHOOK_ENDPOINTS may have been higher once.


async def announce(services: Services, batch: Batch) -> None:
    """Note the deliveries of `batch`, which is about to be stored in a terminal state. May be repeated."""
    for endpoint in await services.webhooks.list_endpoints(batch.owner, limit=_MOST):
        delivery = new_delivery(batch, endpoint, services.now())
        if delivery is not None:
            with suppress(AlreadyExists):
                await services.webhooks.insert_delivery(delivery)
