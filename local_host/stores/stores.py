"""The stores of the local host: `shared.ports` on one SQLite file and a directory of bytes, safe against kill -9.

Several processes open the same folder at once; each calls `open_stores` for itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import NamedTuple

from local_host.stores import blob_rows, sqlite_creations, sqlite_records, sqlite_uploads, sqlite_webhooks
from local_host.stores.caller_blobs import LateCallerBlobs
from local_host.stores.disk_blobs import DiskBlobs
from local_host.stores.private_files import make_private_folder
from local_host.stores.sqlite_creations import SqliteCreations
from local_host.stores.sqlite_records import SqliteBatches, SqliteFiles
from local_host.stores.sqlite_uploads import SqliteUploads
from local_host.stores.sqlite_webhooks import SqliteWebhooks
from local_host.stores.store_database import StoreDatabase, unavailable
from shared.domain.errors import Unavailable

log = logging.getLogger(__name__)
STORAGE_SETTING = "AzureWebJobsStorage"  # Names the account whose key is known, if any, for callers' blobs.


class LocalStores(NamedTuple):
    """Every store of one folder."""

    blobs: DiskBlobs
    caller_blobs: LateCallerBlobs
    files: SqliteFiles
    batches: SqliteBatches
    creations: SqliteCreations
    uploads: SqliteUploads
    webhooks: SqliteWebhooks

    async def close(self) -> None:
        """Finish what was begun and let go of the folder."""
        await asyncio.to_thread(self.blobs.close)


def open_stores(data: Path) -> LocalStores:
    """The stores in the folder `data`, made if missing. Raises Unavailable if the folder cannot be used."""
    folder = data / "blobs"
    try:
        make_private_folder(folder)
    except OSError as error:
        raise unavailable(error) from error
    schemas = (
        blob_rows.SCHEMA,
        sqlite_records.SCHEMA,
        sqlite_creations.SCHEMA,
        sqlite_uploads.SCHEMA,
        sqlite_webhooks.SCHEMA,
    )
    database = StoreDatabase(data / "stores.db", "".join(schemas))
    blobs = DiskBlobs(database, folder)
    try:
        blobs.sweep(time.time())
    except Unavailable as error:  # On a full disk what is there can still be read.
        log.warning("The data folder was not swept.", extra={"action": "sweep_failed", "reason": error.message})
    return LocalStores(
        blobs=blobs,
        caller_blobs=LateCallerBlobs(STORAGE_SETTING),
        files=SqliteFiles(database),
        batches=SqliteBatches(database),
        creations=SqliteCreations(database),
        uploads=SqliteUploads(database),
        webhooks=SqliteWebhooks(database),
    )
