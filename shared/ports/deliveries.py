"""Deliveries: what is owed to webhook endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from shared.domain.webhooks.delivery import Delivery
from shared.ports.base import Stored


class DeliveryStore(Protocol):
    """Deliveries (compare-and-swap)."""

    async def insert(self, delivery: Delivery) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, delivery_id: str) -> Stored[Delivery] | None: ...

    async def replace(self, delivery: Delivery, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete(self, delivery: Delivery) -> None:
        """Remove the record; nothing happens if there is none."""
        ...

    def due(self, now: datetime) -> AsyncIterator[Stored[Delivery]]:
        """Every delivery of any owner whose `due_at` has come; cost grows with these, not with all deliveries."""
        ...
