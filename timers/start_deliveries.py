"""Starts the deliveries of webhooks that nobody has started, and those that were lost; removes old records."""

from __future__ import annotations

from functools import partial

from shared.domain.webhooks.delivery import Delivery
from shared.ports.base import Stored
from shared.run.batches.orchestrations import Orchestrations
from shared.run.do_all import do_all
from shared.run.webhooks.deliveries import start_delivery
from shared.services import Services


async def start_deliveries(service: Services, client: Orchestrations) -> None:
    """One pass over what is due."""
    due = [stored async for stored in service.stores.deliveries.due(service.now())]
    await do_all(partial(_tend, service, client, stored) for stored in due)


async def _tend(service: Services, client: Orchestrations, stored: Stored[Delivery]) -> None:
    if stored.value.ended:
        await service.stores.deliveries.delete(stored.value)
    else:
        await start_delivery(service, client, stored)
