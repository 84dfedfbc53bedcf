"""Removes rows of the ledger that are old and summed: the sums by hour and day stay."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from shared.domain.usage.ledger import Width, start_of
from shared.services import Services

log = logging.getLogger(__name__)

MOST: Final = 20_000  # Rows of one pass: 120,000 an hour.


async def forget_usage(service: Services, most: int = MOST) -> None:
    """One pass. An hour that is due keeps its rows, and those after it theirs."""
    oldest = oldest_row(service)
    if oldest is None:
        return
    due = [stored.value.start for stored in await service.stores.usage.due()]
    if removed := await service.stores.usage.forget(min([oldest, *due]), most):
        log.info("Old rows of the ledger were removed.", extra={"action": "usage_forgotten", "count": removed})


def oldest_row(service: Services) -> datetime | None:
    """The hour from which on rows are kept; None: all are."""
    days = service.settings.usage_row_days
    return start_of(service.now() - timedelta(days=days), Width.HOUR) if days else None
