"""Removes the records of batches that ended long ago, with their chunk rows.

Rule of this file: cost grows with what is removed and with the projects, never with what is kept; and one pass is
bounded, so that calls do not wait for it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final

from shared.domain.batches.batch import Batch
from shared.domain.ids import first_id
from shared.run.batches.forget import forget_all
from shared.run.projects import every_project_id
from shared.services import Services

log = logging.getLogger(__name__)

MOST: Final = 2_000  # Batches of one pass: 12,000 an hour.
_PAGE: Final = 100


async def forget_batches(service: Services, most: int = MOST) -> None:
    """One pass; what a crash leaves is found by the next."""
    if not service.settings.record_days:
        return
    removed, before = 0, service.now() - timedelta(days=service.settings.record_days)
    async for owner, batches in _made_before(service, before):
        some = batches[: most - removed]
        await forget_all(service, owner, some)
        removed += len(some)
        if removed == most:
            break
    if removed:
        log.info("Records of old batches were removed.", extra={"action": "batches_forgotten", "count": removed})


async def _made_before(service: Services, moment: datetime) -> AsyncIterator[tuple[str, list[Batch]]]:
    """Of one project after the other, newest first; those that have not ended are passed over."""
    async for owner in every_project_id(service):
        after = first_id(moment)
        while page := await service.stores.batches.list(owner, after=after, limit=_PAGE):
            yield owner, [batch for batch in page if batch.is_settled]
            after = page[-1].id
