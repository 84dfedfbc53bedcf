"""Starts the deliveries of webhooks that are due, and those that were lost; removes records that have had their time.

Every delivery begins here, so that a start that was lost and one that never was are the same case. Starting twice is
safe.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import msgspec

from orchestrators import names
from shared.domain.webhook_delivery import Delivery
from shared.ports import Changed, Stored
from shared.services import Services, services
from timers.runs import is_alive

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # After this time it is looked whether a delivery that was started is still alive.


async def start_deliveries(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:  # noqa: ARG001 - the trigger's binding
    """One pass over what is due."""
    service = services()
    async for stored in service.webhooks.due_deliveries(service.now()):
        if stored.value.ended:
            await service.webhooks.delete_delivery(stored.value)
        else:
            await _start(service, client, stored)


async def _start(service: Services, client: df.DurableOrchestrationClient, stored: Stored[Delivery]) -> None:
    delivery = stored.value
    if not await is_alive(client, delivery.message_id):
        await client.start_new(names.DELIVER_WEBHOOK, delivery.message_id, {"delivery_id": delivery.id})
        log.info("A delivery was started.", extra={"action": "delivery_started", "batch_id": delivery.batch_id})
    with suppress(Changed):  # It has ended already.
        later = msgspec.structs.replace(delivery, due_at=service.now() + LEASE)
        await service.webhooks.replace_delivery(later, stored.version)
