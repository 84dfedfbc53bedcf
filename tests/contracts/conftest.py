"""The stores under test: the same suite runs against every implementation of `shared.ports`."""

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

import pytest

from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.azure.names import Names
from shared.ports.api_keys import ApiKeyStore
from shared.ports.audit_log import AuditLog
from shared.ports.batches import BatchStore
from shared.ports.blobs import BlobStore
from shared.ports.chunks import ChunkStore
from shared.ports.creations import CreationStore
from shared.ports.deliveries import DeliveryStore
from shared.ports.files import FileStore
from shared.ports.heartbeats import HeartbeatStore
from shared.ports.organization import OrganizationStore
from shared.ports.projects import ProjectStore
from shared.ports.service_accounts import ServiceAccountStore
from shared.ports.stores import Stores
from shared.ports.uploads import UploadStore
from shared.ports.usage import UsageStore
from shared.ports.webhook_endpoints import WebhookEndpointStore


@pytest.fixture(params=["local", "azurite"])
def open_them(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Stores]:
    """Opens the stores of one back end, as each process does for itself; empty ones at first."""
    if request.param == "local":
        return partial(open_stores, tmp_path)
    return partial(azure_stores_from_connection_string, request.getfixturevalue("azurite"), fresh_names())


@pytest.fixture
async def stores(open_them: Callable[[], Stores]) -> AsyncIterator[Stores]:
    """Empty stores of one back end."""
    opened = open_them()
    yield opened
    await opened.close()


@pytest.fixture
async def others(open_them: Callable[[], Stores]) -> AsyncIterator[Stores]:
    """`stores`, opened once more."""
    opened = open_them()
    yield opened
    await opened.close()


def fresh_names() -> Names:
    """A container and tables that no other test uses; they go with the emulator."""
    mark = uuid.uuid4().hex[:12]
    return Names(**{field.name: f"{field.name.replace('_', '')}{mark}" for field in fields(Names)})


@pytest.fixture
def blobs(stores: Stores) -> BlobStore:
    return stores.blobs


@pytest.fixture
def files(stores: Stores) -> FileStore:
    return stores.files


@pytest.fixture
def uploads(stores: Stores) -> UploadStore:
    return stores.uploads


@pytest.fixture
def batches(stores: Stores) -> BatchStore:
    return stores.batches


@pytest.fixture
def chunks(stores: Stores) -> ChunkStore:
    return stores.chunks


@pytest.fixture
def heartbeats(stores: Stores) -> HeartbeatStore:
    return stores.heartbeats


@pytest.fixture
def creations(stores: Stores) -> CreationStore:
    return stores.creations


@pytest.fixture
def webhook_endpoints(stores: Stores) -> WebhookEndpointStore:
    return stores.webhook_endpoints


@pytest.fixture
def deliveries(stores: Stores) -> DeliveryStore:
    return stores.deliveries


@pytest.fixture
def organization(stores: Stores) -> OrganizationStore:
    return stores.organization


@pytest.fixture
def projects(stores: Stores) -> ProjectStore:
    return stores.projects


@pytest.fixture
def service_accounts(stores: Stores) -> ServiceAccountStore:
    return stores.service_accounts


@pytest.fixture
def api_keys(stores: Stores) -> ApiKeyStore:
    return stores.api_keys


@pytest.fixture
def audit_log(stores: Stores) -> AuditLog:
    return stores.audit_log


@pytest.fixture
def usage(stores: Stores) -> UsageStore:
    return stores.usage
