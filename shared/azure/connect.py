"""The stores on Azure Storage, from the settings that name the account: a connection string, or URIs and an identity.

Clients are made without a running loop or in one, open on first use and are kept for the life of the process.
"""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.request import getproxies

from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import ContainerClient, ExponentialRetry

from shared.azure.blob_blobs import BlobBlobs
from shared.azure.caller_blobs import AzureCallerBlobs
from shared.azure.identity import StorageIdentity, service_credential
from shared.azure.names import Names
from shared.azure.table_api_keys import TableApiKeys
from shared.azure.table_audit_log import TableAuditLog
from shared.azure.table_batches import TableBatches
from shared.azure.table_chunks import TableChunks
from shared.azure.table_creations import TableCreations
from shared.azure.table_deliveries import TableDeliveries
from shared.azure.table_files import TableFiles
from shared.azure.table_heartbeats import TableHeartbeats
from shared.azure.table_organization import TableOrganization
from shared.azure.table_projects import TableProjects
from shared.azure.table_service_accounts import TableServiceAccounts
from shared.azure.table_spending import TableSpending
from shared.azure.table_uploads import TableUploads
from shared.azure.table_usage import TableUsage
from shared.azure.table_webhook_endpoints import TableWebhookEndpoints
from shared.azure.tables import Table
from shared.environment import SettingsError
from shared.ports.caller_blobs import CallerBlobs
from shared.ports.stores import Stores

# The SDK's retries, bounded: an account that refuses costs about five seconds, one that hangs about a minute.
_TIMEOUTS: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 20}

# Azurite's account, the same for everyone and documented; it opens nothing but the emulator.
_AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
)


def azure_stores(prefix: str, names: Names | None = None) -> Stores:
    """The stores of the account that the settings beginning with `prefix` name. Raises SettingsError if they do not."""
    text = os.environ.get(prefix)
    if text:
        return azure_stores_from_connection_string(text, names)
    names = names or Names()
    blob_uri, table_uri = (_service_uri(prefix, service) for service in ("blob", "table"))
    identity = StorageIdentity(lambda: service_credential(prefix))
    return _stores(
        ContainerClient(blob_uri, names.container, credential=identity, **_blob_retries()),
        TableServiceClient(table_uri, credential=identity, **_table_retries()),
        names,
        identity,
    )


def _service_uri(prefix: str, service: str) -> str:
    """As the platform reads its own connections: a URI for each service, or the account's name in the public cloud."""
    if uri := os.environ.get(f"{prefix}__{service}ServiceUri"):
        return uri
    if account := os.environ.get(f"{prefix}__accountName"):
        return f"https://{account}.{service}.core.windows.net"
    raise SettingsError(
        f"No storage account: set {prefix} to a connection string, or {prefix}__blobServiceUri and "
        f"{prefix}__tableServiceUri, or {prefix}__accountName (with {prefix}__clientId for a user-assigned identity)."
    )


def azure_stores_from_connection_string(text: str, names: Names | None = None) -> Stores:
    """The stores of the account in `text`; `UseDevelopmentStorage=true` is Azurite on its usual ports.

    Raises SettingsError if it is no connection string.
    """
    names = names or Names()
    complete = _AZURITE if text.strip(" ;").lower() == "usedevelopmentstorage=true" else text
    try:
        blobs = ContainerClient.from_connection_string(complete, names.container, **_blob_retries())
        tables = TableServiceClient.from_connection_string(complete, **_table_retries())
    except ValueError as error:
        raise SettingsError(f"The storage connection string cannot be used: {error}") from error
    return _stores(blobs, tables, names, StorageIdentity(lambda: service_credential(None)))


def azure_caller_blobs(prefix: str) -> CallerBlobs:
    """Callers' own blobs where the service's are not in Azure: by the same settings, or the developer's identity."""
    if text := os.environ.get(prefix):
        return azure_stores_from_connection_string(text).caller_blobs
    return _caller_blobs(None, StorageIdentity(lambda: service_credential(prefix)))


def _caller_blobs(own: ContainerClient | None, identity: StorageIdentity) -> AzureCallerBlobs:
    _quieten()
    return AzureCallerBlobs(own, lambda: identity, _blob_retries)


def _blob_retries() -> dict[str, Any]:
    """New for every client: a policy that two share sends the requests of one through the other's connections."""
    policy = ExponentialRetry(initial_backoff=1, increment_base=1, random_jitter_range=1, retry_total=3, retry_read=1)
    return {"retry_policy": policy, **_TIMEOUTS, **_surroundings()}


def _table_retries() -> dict[str, Any]:
    return {"retry_total": 3, "retry_read": 1, "retry_backoff_factor": 0.8, **_TIMEOUTS, **_surroundings()}


def _surroundings() -> dict[str, bool]:
    """Whether each request asks the environment for a proxy, and a thread for a .netrc, which has no keys of ours.

    That is a quarter of what a call costs, so only where this process has a proxy.
    """
    return {"use_env_settings": bool(getproxies())}


def _quieten() -> None:
    """Every request is logged at INFO by these two; what fails is raised."""
    for noisy in ("azure.core.pipeline.policies.http_logging_policy", "azure.identity"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _stores(container: ContainerClient, tables: TableServiceClient, names: Names, identity: StorageIdentity) -> Stores:
    _quieten()

    async def close() -> None:
        await container.close()
        await tables.close()
        await identity.close()

    return Stores(
        blobs=BlobBlobs(container),
        caller_blobs=_caller_blobs(container, identity),
        files=TableFiles(Table(tables, names.files)),
        uploads=TableUploads(Table(tables, names.uploads)),
        batches=TableBatches(Table(tables, names.batches)),
        chunks=TableChunks(Table(tables, names.chunks)),
        heartbeats=TableHeartbeats(Table(tables, names.heartbeats)),
        creations=TableCreations(Table(tables, names.creations)),
        webhook_endpoints=TableWebhookEndpoints(Table(tables, names.webhook_endpoints)),
        deliveries=TableDeliveries(Table(tables, names.deliveries)),
        spending=TableSpending(Table(tables, names.spending)),
        organization=TableOrganization(Table(tables, names.organization)),
        projects=TableProjects(Table(tables, names.projects)),
        service_accounts=TableServiceAccounts(Table(tables, names.service_accounts)),
        api_keys=TableApiKeys(Table(tables, names.api_keys)),
        audit_log=TableAuditLog(Table(tables, names.audit_log)),
        usage=TableUsage(Table(tables, names.usage)),
        close=close,
    )
