"""Removes bytes of files that no record names: a crash between the commit of a blob and the insert of its record.

Also what is left of runs whose batches have ended. Only what is older than a day is looked at: younger bytes may still
get their record. They are removed once none has named them for a month (`unnamed`), never while the tables are empty.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.domain.files.file import FILES_PREFIX
from shared.domain.ids import is_made_before
from shared.run.batches.remains import count_remains, sweep_remains
from shared.run.batches.unnamed import remove_unnamed
from shared.services import Services

log = logging.getLogger(__name__)

GRACE = timedelta(days=1)
_EMPTY_TABLES = (
    "There are blobs, but no record at all: nothing was removed. If the tables were lost or the service was given "
    "another account, correct that; if the blobs are not wanted, remove them by hand."
)


async def sweep_orphans(service: Services) -> None:
    """One sweep: reads every name under `files/`, then every record that may name one. Raises Damaged."""
    before = service.now() - GRACE
    old = await _old_blobs(service, before)
    named = await _named(service)
    if not named:
        if unknown := len(old) + await count_remains(service, before):
            log.warning(_EMPTY_TABLES, extra={"action": "sweep_refused", "count": unknown})
        return
    if removed := await remove_unnamed(service, "orphans", old - named, service.stores.blobs.delete):
        log.warning("Files without a record were removed.", extra={"action": "orphans_removed", "count": removed})
    if ended := await sweep_remains(service, before):
        log.warning("Remains of ended batches were removed.", extra={"action": "remains_removed", "count": ended})


async def _named(service: Services) -> set[str]:
    """Every blob that a record may need, read after the names of the blobs."""
    stores = service.stores
    # One may be about to get its record.
    named = {upload.blob async for upload in stores.uploads.expired(service.now())}
    named |= {file.blob async for file in stores.files.every()}
    named |= {batch.input_blob async for batch in stores.batches.unfinished()}  # Its file may be deleted meanwhile.
    return named


async def _old_blobs(service: Services, before: datetime) -> set[str]:
    """The blob's name is an id, which tells when it was made; what is named otherwise is not ours to remove."""
    names = service.stores.blobs.names(FILES_PREFIX)
    return {name async for name in names if is_made_before(name.removeprefix(FILES_PREFIX), before)}
