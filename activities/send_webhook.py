"""One attempt of one delivery: whether it is still owed, the signed request, and when to try again.

It may be repeated at any moment: receivers tell attempts of one delivery by the same `webhook-id`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from shared.domain.batches.batch import Batch
from shared.domain.webhooks.callback import callback_of
from shared.domain.webhooks.delivery import (
    Answered,
    Delivery,
    NoAnswer,
    WebhookRequest,
    ended,
    failed,
    next_pause,
    too_early,
)
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.domain.webhooks.event import Event, alert_reached, batch_ended, encode_event
from shared.domain.webhooks.signature import signed_headers
from shared.ports.base import Changed
from shared.run.batches.change import load
from shared.services import Services, services

DONE = {"done": True, "wait": 0.0}
EARLY_SECONDS = 1.0  # Azure Storage counts the wait for a durable timer in whole seconds, rounded down.

log = logging.getLogger(__name__)


async def send_webhook(input: dict) -> dict[str, Any]:
    """Input: `{"delivery_id"}`. Returns `{"done", "wait"}`: try again after `wait` seconds, unless it is done.

    Raises Unavailable.
    """
    service = services()
    stored = await service.stores.deliveries.get(input["delivery_id"])
    if stored is None or stored.value.ended:
        return DONE
    delivery = stored.value
    batch = await load(service, delivery.owner, delivery.batch_id) if delivery.alert is None else None
    if batch is not None and not batch.is_terminal:  # Noted, but not written yet: whoever writes it starts this again.
        await _change(service, delivery.id, lambda noted: too_early(noted, service.now()))
        return DONE
    event, endpoint = _event(delivery, batch), await _endpoint(service, delivery, batch)
    if event is None or endpoint is None:
        return await _end(service, delivery)
    answer = await service.webhook_sender.send(_request(service, delivery, endpoint, event))
    if isinstance(answer, Answered) and answer.is_success:
        return await _end(service, delivery, delivered=True)
    return await _try_again(service, delivery, event, answer)


def _event(delivery: Delivery, batch: Batch | None) -> Event | None:
    """What it tells; None if that did not happen, or is gone."""
    if delivery.alert is not None:
        return alert_reached(delivery.alert)
    event = batch_ended(batch) if batch is not None else None
    return event if event and event.type is delivery.event_type else None


async def _endpoint(service: Services, delivery: Delivery, batch: Batch | None) -> WebhookEndpoint | None:
    """As it is now: the batch's own, or one of its project's."""
    callback = callback_of(batch) if batch is not None else None
    if callback is not None and callback.id == delivery.endpoint_id:
        return callback
    stored = await service.stores.webhook_endpoints.get(delivery.owner, delivery.endpoint_id)
    return stored.value if stored else None


def _request(service: Services, delivery: Delivery, endpoint: WebhookEndpoint, event: Event) -> WebhookRequest:
    now, body = service.now(), encode_event(event)
    signed = signed_headers(delivery.message_id, now, body, endpoint.secrets(now))
    return WebhookRequest(url=endpoint.url, headers=signed, body=body)


async def _try_again(
    service: Services, delivery: Delivery, event: Event, answer: Answered | NoAnswer
) -> dict[str, Any]:
    extra = {
        "action": "webhook_failed",
        "batch_id": delivery.batch_id,
        "webhook_endpoint_id": delivery.endpoint_id,
        "reason": f"status {answer.status}" if isinstance(answer, Answered) else answer.reason,
    }
    delivery = await _change(service, delivery.id, lambda noted: failed(noted, answer.reason)) or delivery
    age, shortest = service.now() - event.created_at, service.settings.webhook_retry_seconds
    pause = next_pause(delivery.failures, age, timedelta(seconds=shortest), random.random())
    if pause is None:
        log.error("A webhook was given up after three days.", extra=extra)
        return await _end(service, delivery)
    log.warning("A webhook was not received; it is sent again later.", extra=extra)
    return {"done": False, "wait": round(pause.total_seconds() + EARLY_SECONDS, 3)}


async def _end(service: Services, delivery: Delivery, *, delivered: bool = False) -> dict[str, Any]:
    """Nothing more is sent."""
    await _change(service, delivery.id, lambda noted: ended(noted, service.now(), delivered=delivered))
    return DONE


async def _change(service: Services, delivery_id: str, change: Callable[[Delivery], Delivery]) -> Delivery | None:
    """What was written; None if it has ended or is gone. The timer may be writing, too, and another attempt."""
    while (stored := await service.stores.deliveries.get(delivery_id)) is not None and not stored.value.ended:
        with suppress(Changed):
            changed = change(stored.value)
            await service.stores.deliveries.replace(changed, stored.version)
            return changed
    return None
