"""Removes files whose time is over. Callers have been told 404 since that moment; this frees the space."""

from __future__ import annotations

import logging

from shared.run.input.input_bytes import drop_file
from shared.services import Services

log = logging.getLogger(__name__)


async def expire_files(service: Services) -> None:
    """One sweep; what a crash leaves is found by the next."""
    removed = 0
    async for file in service.stores.files.expired(service.now()):
        await drop_file(service, file)
        removed += 1
    if removed:
        log.info("Expired files were removed.", extra={"action": "files_expired", "count": removed})
