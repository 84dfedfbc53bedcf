"""Deliveries of a batch in the OpenAPI document. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from api.openapi.operation import Operation, ok
from api.openapi.schemas import TEXT, WHOLE, Schema, one_of, only, or_null, record, ref
from shared.domain.webhooks.delivery import DeliveryStatus
from shared.domain.webhooks.event import EventType

_DELIVERY = record(
    {
        "id": TEXT,
        "object": only("webhook_delivery"),
        "event_type": one_of(EventType),
        "webhook_endpoint_id": or_null(TEXT),
        "name": TEXT,
        "url": TEXT,
        "status": or_null(one_of(DeliveryStatus)),
        "failures": WHOLE,
        "last_failure": or_null(TEXT),
    },
    description="`webhook_endpoint_id` is null of the batch's own `callback_url`.",
)
DELIVERY_COMPONENTS: Mapping[str, Schema] = {
    "WebhookDelivery": _DELIVERY,
    "WebhookDeliveries": record({"object": only("list"), "data": {"type": "array", "items": ref("WebhookDelivery")}}),
}
DELIVERIES: Mapping[str, Operation] = {
    "list_deliveries": Operation(
        tag="Webhooks",
        summary="Who was told of the end of a batch (an extension)",
        answers=ok("WebhookDeliveries"),
    ),
}
