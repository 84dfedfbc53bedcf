"""The stores of the local host: `shared.ports` on one SQLite file and a directory of bytes, safe against kill -9.

Several processes open the same folder at once; each calls `open_stores` for itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path

from local_host.stores import (
    blob_rows,
    sqlite_api_keys,
    sqlite_audit_log,
    sqlite_batches,
    sqlite_chunks,
    sqlite_creations,
    sqlite_deliveries,
    sqlite_files,
    sqlite_heartbeats,
    sqlite_organization,
    sqlite_projects,
    sqlite_service_accounts,
    sqlite_spending,
    sqlite_uploads,
    sqlite_usage,
    sqlite_webhook_endpoints,
)
from local_host.stores.caller_blobs import LateCallerBlobs
from local_host.stores.disk_blobs import DiskBlobs
from local_host.stores.private_files import make_private_folder
from local_host.stores.store_database import StoreDatabase, unavailable
from shared.domain.errors import Unavailable
from shared.ports.stores import Stores

log = logging.getLogger(__name__)
STORAGE_SETTING = "AzureWebJobsStorage"  # Names the account whose key is known, if any, for callers' blobs.
_SCHEMAS = (
    blob_rows.SCHEMA,
    sqlite_files.SCHEMA,
    sqlite_batches.SCHEMA,
    sqlite_chunks.SCHEMA,
    sqlite_heartbeats.SCHEMA,
    sqlite_creations.SCHEMA,
    sqlite_uploads.SCHEMA,
    sqlite_webhook_endpoints.SCHEMA,
    sqlite_deliveries.SCHEMA,
    sqlite_spending.SCHEMA,
    sqlite_organization.SCHEMA,
    sqlite_projects.SCHEMA,
    sqlite_service_accounts.SCHEMA,
    sqlite_api_keys.SCHEMA,
    sqlite_audit_log.SCHEMA,
    sqlite_usage.SCHEMA,
)


def open_stores(data: Path) -> Stores:
    """The stores in the folder `data`, made if missing. Raises Unavailable if the folder cannot be used."""
    folder = data / "blobs"
    try:
        make_private_folder(folder)
    except OSError as error:
        raise unavailable(error) from error
    database = StoreDatabase(data / "stores.db", "".join(_SCHEMAS))
    blobs = DiskBlobs(database, folder)
    try:
        blobs.finish_drops()
        blobs.sweep(time.time())
    except Unavailable as error:  # On a full disk what is there can still be read.
        log.warning("The data folder was not swept.", extra={"action": "sweep_failed", "reason": error.message})
    return Stores(
        blobs=blobs,
        caller_blobs=LateCallerBlobs(STORAGE_SETTING),
        files=sqlite_files.SqliteFiles(database),
        uploads=sqlite_uploads.SqliteUploads(database),
        batches=sqlite_batches.SqliteBatches(database),
        chunks=sqlite_chunks.SqliteChunks(database),
        heartbeats=sqlite_heartbeats.SqliteHeartbeats(database),
        creations=sqlite_creations.SqliteCreations(database),
        webhook_endpoints=sqlite_webhook_endpoints.SqliteWebhookEndpoints(database),
        deliveries=sqlite_deliveries.SqliteDeliveries(database),
        spending=sqlite_spending.SqliteSpending(database),
        organization=sqlite_organization.SqliteOrganization(database),
        projects=sqlite_projects.SqliteProjects(database),
        service_accounts=sqlite_service_accounts.SqliteServiceAccounts(database),
        api_keys=sqlite_api_keys.SqliteApiKeys(database),
        audit_log=sqlite_audit_log.SqliteAuditLog(database),
        usage=sqlite_usage.SqliteUsage(database),
        close=partial(asyncio.to_thread, blobs.close),
    )
