"""Starting deliveries of webhooks: at once by the run that ended the batch, and by a timer what that run did not start.

Rule of this file: starting twice is safe, and a delivery's `due_at` moves on only once its orchestration runs. So
whatever is killed when, the timer starts what was not started.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from functools import partial

import msgspec

from orchestrators import names
from shared.domain.batches.batch import Batch
from shared.domain.webhooks.delivery import Delivery, is_stuck
from shared.ports.base import Changed, Stored
from shared.run.batches.change import announced
from shared.run.batches.orchestrations import Orchestrations, Seen, State, look_at
from shared.run.do_all import do_all
from shared.services import Services

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)  # After this time it is looked whether a delivery that was started is still alive.


async def start_deliveries_of(service: Services, client: Orchestrations, batch: Batch) -> None:
    """Start what the end of `batch` owes. Never raises: what could not be started is started by `tend_batches`."""
    try:
        owed = await announced(service, batch)
        await do_all(partial(start_delivery, service, client, delivery) for delivery in owed)
    except Exception:  # The batch has ended; failing the run would not change that.
        log.exception("Could not start a delivery.", extra={"action": "start_delivery", "batch_id": batch.id})


async def start_delivery(service: Services, client: Orchestrations, stored: Stored[Delivery]) -> None:
    """Start it unless it lives, and have the timer look at it again after its lease."""
    delivery = stored.value
    seen = await look_at(client, delivery.message_id)
    if seen.state is State.ALIVE and _is_stuck(service, delivery, seen):
        extra = {"action": "delivery_stuck", "batch_id": delivery.batch_id}
        log.warning("A delivery without a sign of life is ended; another one follows.", extra=extra)
        await client.terminate(delivery.message_id, "It showed no sign of life; tend_batches starts it again.")
        return  # It is due still: the timer's next look starts it.
    if seen.state is not State.ALIVE:
        await client.start_new(names.DELIVER_WEBHOOK, delivery.message_id, {"delivery_id": delivery.id})
        log.info("A delivery was started.", extra={"action": "delivery_started", "batch_id": delivery.batch_id})
    elif delivery.due_at > service.now():  # Postponed already, or by one that came too early and is about to end.
        return
    with suppress(Changed):  # It has ended already.
        later = msgspec.structs.replace(delivery, due_at=service.now() + LEASE)
        await service.stores.deliveries.replace(later, stored.version)


def _is_stuck(service: Services, delivery: Delivery, seen: Seen) -> bool:
    shortest = timedelta(seconds=service.settings.webhook_retry_seconds)
    return seen.turned_at is not None and is_stuck(delivery, seen.status, seen.turned_at, service.now(), shortest)
