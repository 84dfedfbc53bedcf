"""Removes files whose time is over. Callers have been told 404 since that moment; this frees the space."""

from __future__ import annotations

import logging

import azure.functions as func

from shared.services import services

log = logging.getLogger(__name__)


async def expire_files(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's binding
    """Delete the bytes, then the record, so that a crash between the two is mended by the next sweep."""
    service = services()
    removed = 0
    async for file in service.files.expired(service.now()):
        await service.blobs.delete(file.blob)
        await service.files.delete(file.owner, file.id)
        removed += 1
    if removed:
        log.info("Expired files were removed.", extra={"action": "files_expired", "count": removed})
