"""Removes files whose time is over. Callers have been told 404 since that moment; this frees the space.

Rule of this file: one pass is bounded, so that it ends in time and calls do not wait for it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Final

from shared.run.in_pages import in_pages
from shared.run.input.input_bytes import drop_files
from shared.services import Services

log = logging.getLogger(__name__)

MOST: Final = 5_000  # Files of one pass: 30,000 an hour.
GRACE: Final = timedelta(minutes=1)  # A batch that was made of a file at its last moment has its record by then.


async def expire_files(service: Services, most: int = MOST) -> None:
    """One pass; what it and a crash leave is found by the next."""
    expired = service.stores.files.expired(service.now() - GRACE)
    if removed := await in_pages(expired, partial(drop_files, service), most):
        log.info("Expired files were removed.", extra={"action": "files_expired", "count": removed})
