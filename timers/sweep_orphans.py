"""Removes bytes of files that no record names: a crash between the commit of a blob and the insert of its record.

Also what is left of runs whose batches have ended. Only what is older than a day is looked at, so nothing that is still
on its way to its record.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.domain.file import FILES_PREFIX
from shared.domain.ids import created_at
from shared.run.remains import sweep_remains
from shared.services import Services

log = logging.getLogger(__name__)

GRACE = timedelta(days=1)


async def sweep_orphans(service: Services) -> None:
    """One sweep: reads every name under `files/`, then every record that may name one."""
    orphans = await _old_blobs(service, service.now() - GRACE)
    async for upload in service.uploads.expired(service.now()):  # A decided one may be about to get its record.
        orphans.discard(upload.blob)
    async for file in service.files.every():
        orphans.discard(file.blob)
    async for batch in service.batches.unfinished():  # It may read a file that was deleted meanwhile.
        orphans.discard(batch.input_blob)
    for blob in orphans:
        await service.blobs.delete(blob)
    if orphans:
        log.warning("Files without a record were removed.", extra={"action": "orphans_removed", "count": len(orphans)})
    if ended := await sweep_remains(service, service.now() - GRACE):
        log.warning("Remains of ended batches were removed.", extra={"action": "remains_removed", "count": ended})


async def _old_blobs(service: Services, before: datetime) -> set[str]:
    """The blob's name is an id, which tells when it was made."""
    return {
        name async for name in service.blobs.names(FILES_PREFIX) if created_at(name.removeprefix(FILES_PREFIX)) < before
    }
