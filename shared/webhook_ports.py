"""What webhooks need from outside, by the rules of `shared.ports`: Protocols of storage and sender."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from shared.domain.webhooks.delivery import Answered, Delivery, NoAnswer, WebhookRequest
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports import Stored


class WebhookStore(Protocol):
    """Webhook endpoints and the deliveries owed to them. Look-ups and lists of endpoints never cross owners."""

    async def insert_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Raises AlreadyExists."""
        ...

    async def get_endpoint(self, owner: str, endpoint_id: str) -> Stored[WebhookEndpoint] | None: ...

    async def replace_endpoint(self, endpoint: WebhookEndpoint, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete_endpoint(self, owner: str, endpoint_id: str) -> bool:
        """False if there was none."""
        ...

    async def list_endpoints(
        self, owner: str, *, after: str | None = None, limit: int
    ) -> builtins.list[WebhookEndpoint]:
        """At most `limit` endpoints, newest first (descending id), strictly past the id `after` (a position)."""
        ...

    async def insert_delivery(self, delivery: Delivery) -> None:
        """Raises AlreadyExists."""
        ...

    async def get_delivery(self, delivery_id: str) -> Stored[Delivery] | None: ...

    async def replace_delivery(self, delivery: Delivery, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete_delivery(self, delivery: Delivery) -> None:
        """Remove the record; nothing happens if there is none."""
        ...

    def due_deliveries(self, now: datetime) -> AsyncIterator[Stored[Delivery]]:
        """Every delivery of any owner whose `due_at` has come; cost grows with these, not with all deliveries."""
        ...


class WebhookSender(Protocol):
    """The one seam through which receivers of webhooks are reached."""

    async def send(self, request: WebhookRequest) -> Answered | NoAnswer:
        """POST once, without redirects, to allowed addresses only. Never raises for what network or receiver do."""
        ...
