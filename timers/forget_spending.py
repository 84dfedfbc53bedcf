"""Removes what single batches had in accounts long ago: the balances of days stay, for limits without an end."""

from __future__ import annotations

import logging
from datetime import UTC, date
from typing import Final

from shared.services import Services
from timers.forget_usage import oldest_row

log = logging.getLogger(__name__)

MOST: Final = 20_000  # Amounts of one pass: 120,000 an hour.


async def forget_spending(service: Services, most: int = MOST) -> None:
    """One pass. From the day on that a batch was made which still has something to settle, all stay."""
    oldest = oldest_row(service)
    if oldest is None:
        return
    before = min([oldest.astimezone(UTC).date(), *await _unsettled(service)])
    if removed := await service.stores.spending.forget(before, most):
        log.info("Old amounts of batches were removed.", extra={"action": "spending_forgotten", "count": removed})


async def _unsettled(service: Services) -> list[date]:
    unfinished = [batch.created_at async for batch in service.stores.batches.unfinished()]
    owing = [batch.created_at async for batch in service.stores.batches.owing()]
    return [at.astimezone(UTC).date() for at in (*unfinished, *owing)]
