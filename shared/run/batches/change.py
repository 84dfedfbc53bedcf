"""Changing a batch record, and what goes with every change: whom it is told, and what operators see of it.

Changes are compare-and-swap around the one pure function that knows the rules. `announce` comes before the record
becomes final: a delivery whose record never says so is void when it is looked at; a record that is final has its
deliveries, whatever was killed when. `tell` comes after: only who wins the compare-and-swap tells, so each change is
told once, or, after a crash at that very moment, not at all.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from shared.domain.batches.batch import Batch, Event, Status, apply
from shared.domain.webhooks.callback import callback_of
from shared.domain.webhooks.delivery import Delivery, new_delivery
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports.base import AlreadyExists, Changed, Stored
from shared.services import Services
from shared.telemetry import metrics
from shared.telemetry.attributes import ENDPOINT, MODEL, OPERATIONS, STATUS, Attributes

log = logging.getLogger(__name__)

_MOST = 1_000  # Endpoints of one owner; BATCH_MAX_WEBHOOK_ENDPOINTS may have been higher once.


async def load(service: Services, owner: str, batch_id: str) -> Batch | None:
    stored = await service.stores.batches.get(owner, batch_id)
    return stored.value if stored else None


async def change(service: Services, batch: Batch, event: Event) -> Batch:
    """The record after `event`, applied to its newest version.

    Raises WrongState if the event is not allowed (any more), KeyError if the record is gone.
    """
    while True:
        stored = await service.stores.batches.get(batch.owner, batch.id)
        if stored is None:
            raise KeyError(batch.id)
        now = service.now()
        changed = apply(stored.value, event, now)
        if changed is stored.value:
            return changed
        if changed.is_terminal and changed.status is not stored.value.status:
            await announce(service, changed)
        try:
            await service.stores.batches.replace(changed, stored.version)
        except Changed:
            continue
        if changed.status is not stored.value.status:
            tell(stored.value, changed, now)
        return changed


async def announce(service: Services, batch: Batch) -> None:
    """Note the deliveries of `batch`, which is about to be stored in a terminal state. May be repeated."""
    for delivery in await _deliveries(service, batch):
        with suppress(AlreadyExists):
            await service.stores.deliveries.insert(delivery)


async def announced(service: Services, batch: Batch) -> list[Stored[Delivery]]:
    """The deliveries of `batch`, which is stored in a terminal state, that have not ended."""
    return [note for note in await noted(service, batch) if not note.value.ended]


async def noted(service: Services, batch: Batch) -> list[Stored[Delivery]]:
    """Those that have ended as well, of endpoints that there are."""
    notes = [await service.stores.deliveries.get(delivery.id) for delivery in await _deliveries(service, batch)]
    return [note for note in notes if note is not None]


async def _deliveries(service: Services, batch: Batch) -> list[Delivery]:
    """As they are noted, under ids that follow from batch and endpoint."""
    everyone = await addressees(service, batch)
    deliveries = (new_delivery(batch, endpoint, service.now()) for endpoint in everyone)
    return [delivery for delivery in deliveries if delivery is not None]


async def addressees(service: Services, batch: Batch) -> list[WebhookEndpoint]:
    """Who may be told of its end: the endpoints of its project, and its own."""
    endpoints = await service.stores.webhook_endpoints.list(batch.owner, limit=_MOST)
    return [*endpoints, *filter(None, [callback_of(batch)])]


def tell(before: Batch | None, after: Batch, now: datetime) -> None:
    """Metrics and a log line of one change; `before` is None for a new batch."""
    model: Attributes = {MODEL: after.deployment} if after.deployment else {}
    endpoint = after.endpoint if after.endpoint in OPERATIONS else "other"
    seconds = (now - after.created_at).total_seconds()
    metrics.BATCHES.record(1, {**model, STATUS: after.status.value, ENDPOINT: endpoint})
    if after.status is Status.IN_PROGRESS:
        metrics.QUEUE_WAIT.record(seconds, model)
    if after.is_terminal:
        metrics.BATCH_DURATION.record(seconds, {**model, STATUS: after.status.value})
    log.info(
        "Batch changed state.",
        extra={
            "action": "batch_changed",
            "batch_id": after.id,
            "from": before.status.value if before else "new",
            "to": after.status.value,
            "model": after.deployment or "",
            "total": after.total,
            "completed": after.completed,
            "failed": after.failed,
            "input_tokens": after.usage.input_tokens,
            "output_tokens": after.usage.output_tokens,
            "seconds": round(seconds, 3),
        },
    )
