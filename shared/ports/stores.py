"""Every store of one back end, as one object to hand around.

A back end makes it in one place: `shared/azure/connect.py`, `local_host/stores/stores.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.ports.api_keys import ApiKeyStore
from shared.ports.audit_log import AuditLog
from shared.ports.batches import BatchStore
from shared.ports.blobs import BlobStore
from shared.ports.caller_blobs import CallerBlobs
from shared.ports.chunks import ChunkStore
from shared.ports.creations import CreationStore
from shared.ports.deliveries import DeliveryStore
from shared.ports.files import FileStore
from shared.ports.heartbeats import HeartbeatStore
from shared.ports.organization import OrganizationStore
from shared.ports.projects import ProjectStore
from shared.ports.service_accounts import ServiceAccountStore
from shared.ports.spending import SpendingStore
from shared.ports.uploads import UploadStore
from shared.ports.usage import UsageStore
from shared.ports.webhook_endpoints import WebhookEndpointStore


@dataclass(frozen=True, kw_only=True)
class Stores:
    """`close` lets go of what all of them share; call it in the loop that used them, once nothing does any more."""

    blobs: BlobStore
    caller_blobs: CallerBlobs
    files: FileStore
    uploads: UploadStore
    batches: BatchStore
    chunks: ChunkStore
    heartbeats: HeartbeatStore
    creations: CreationStore
    webhook_endpoints: WebhookEndpointStore
    deliveries: DeliveryStore
    spending: SpendingStore
    organization: OrganizationStore
    projects: ProjectStore
    service_accounts: ServiceAccountStore
    api_keys: ApiKeyStore
    audit_log: AuditLog
    usage: UsageStore
    close: Callable[[], Awaitable[None]]
