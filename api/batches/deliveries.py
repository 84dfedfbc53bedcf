"""Who was told of the end of a batch (an extension): the notes that there are of its deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.batch_records import find_batch
from api.edge.endpoint import Call, json_response
from shared.domain.webhooks.callback import callback_of
from shared.domain.webhooks.delivery import Delivery
from shared.domain.webhooks.endpoint import ID_PREFIX, WebhookEndpoint
from shared.run.batches.change import addressees, noted


async def list_deliveries(request: Request, call: Call) -> Response:
    """All of them: there are no more than endpoints. A note stays some days after its end."""
    batch = (await find_batch(request, call)).value
    if not batch.is_terminal:
        return json_response(render_deliveries([], None))
    endpoints = {endpoint.id: endpoint for endpoint in await addressees(call.service, batch)}
    notes = [note.value for note in await noted(call.service, batch)]
    found = [(endpoints[note.endpoint_id], note) for note in notes if note.endpoint_id in endpoints]
    return json_response(render_deliveries(found, callback_of(batch)))


def render_deliveries(
    found: Sequence[tuple[WebhookEndpoint, Delivery]], callback: WebhookEndpoint | None
) -> dict[str, Any]:
    """`callback` is the batch's own, which has no id for callers."""
    return {"object": "list", "data": [_delivery(*each, is_callback=each[0] == callback) for each in found]}


def _delivery(endpoint: WebhookEndpoint, delivery: Delivery, *, is_callback: bool) -> dict[str, Any]:
    return {
        "id": delivery.message_id,
        "object": "webhook_delivery",
        "event_type": delivery.event_type,
        "webhook_endpoint_id": None if is_callback else f"{ID_PREFIX}{endpoint.id}",
        "name": endpoint.name,
        "url": endpoint.url,
        "status": delivery.status,
        "failures": delivery.failures,
        "last_failure": delivery.last_failure,
    }
