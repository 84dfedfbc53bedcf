"""Webhook endpoints as callers see them (contract 8.4), the same in every dialect. Pure.

Rule of this file: the secret is shown by `render_with_secret` only, which is for creation and rotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.domain import ids
from shared.domain.webhooks.endpoint import ID_PREFIX, WebhookEndpoint
from shared.domain.webhooks.event import EventType
from shared.domain.webhooks.signature import secret_hint


def parse_endpoint_id(text: str) -> str | None:
    """The canonical id, or None."""
    return ids.parse(text, ID_PREFIX)


def endpoint_id(endpoint: WebhookEndpoint) -> str:
    return f"{ID_PREFIX}{endpoint.id}"


def render_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": endpoint_id(endpoint),
        "object": "webhook_endpoint",
        "created_at": int(endpoint.created_at.timestamp()),
        "updated_at": int(endpoint.updated_at.timestamp()),
        "name": endpoint.name,
        "url": endpoint.url,
        "event_types": list(endpoint.asked),
        "signing_secret_hint": secret_hint(endpoint.secret),
    }


def render_with_secret(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return render_endpoint(endpoint) | {"signing_secret": endpoint.secret}


def render_endpoints(endpoints: Sequence[WebhookEndpoint], *, has_more: bool) -> dict[str, Any]:
    data = [render_endpoint(endpoint) for endpoint in endpoints]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def render_deleted_endpoint(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"id": endpoint_id(endpoint), "object": "webhook_endpoint.deleted", "deleted": True}


def render_test(endpoint: WebhookEndpoint, event_type: EventType, status: int) -> dict[str, Any]:
    """`success` says that there was an answer, whatever its status (contract 8.4)."""
    return {
        "object": "webhook_endpoint.test",
        "event_type": event_type,
        "status_code": status,
        "success": True,
        "webhook_endpoint_id": endpoint_id(endpoint),
    }


def render_event_types() -> dict[str, Any]:
    return {"object": "list", "data": sorted(EventType)}
