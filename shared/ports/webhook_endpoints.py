"""Webhook endpoints: whom callers want told."""

from __future__ import annotations

from typing import Protocol

from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports.base import Stored


class WebhookEndpointStore(Protocol):
    """Webhook endpoints (compare-and-swap). Look-ups and lists never cross owners."""

    async def insert(self, endpoint: WebhookEndpoint) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, owner: str, endpoint_id: str) -> Stored[WebhookEndpoint] | None: ...

    async def replace(self, endpoint: WebhookEndpoint, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete(self, owner: str, endpoint_id: str) -> bool:
        """False if there was none."""
        ...

    async def list(self, owner: str, *, after: str | None = None, limit: int) -> list[WebhookEndpoint]:
        """At most `limit` endpoints, newest first (descending id), strictly past the id `after` (a position)."""
        ...
