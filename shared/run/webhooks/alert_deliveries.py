"""Noting whom a spend alert that was reached is told: endpoints of its project that asked.

Rule of this file: it may be repeated; a note that is there stays as it is, and a timer starts it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from shared.domain.webhooks.delivery import new_alert_delivery
from shared.domain.webhooks.event import ReachedAlert
from shared.ports.base import AlreadyExists
from shared.services import Services

_MOST: Final = 1_000  # Endpoints of one owner; BATCH_MAX_WEBHOOK_ENDPOINTS may have been higher once.


async def note_alert(service: Services, alert: ReachedAlert) -> None:
    """Raises Unavailable."""
    for endpoint in await service.stores.webhook_endpoints.list(alert.project_id, limit=_MOST):
        if (delivery := new_alert_delivery(alert, endpoint)) is not None:
            with suppress(AlreadyExists):
                await service.stores.deliveries.insert(delivery)
