"""The stores under test: the same suite runs against every implementation of `shared.ports`."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path

import pytest

from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.azure.names import Names
from shared.ports.batches import BatchStore
from shared.ports.blobs import BlobStore
from shared.ports.chunks import ChunkStore
from shared.ports.creations import CreationStore
from shared.ports.deliveries import DeliveryStore
from shared.ports.files import FileStore
from shared.ports.heartbeats import HeartbeatStore
from shared.ports.stores import Stores
from shared.ports.uploads import UploadStore
from shared.ports.usage import UsageStore
from shared.ports.webhook_endpoints import WebhookEndpointStore


@pytest.fixture(params=["local", "azurite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """Empty stores of one back end."""
    if request.param == "local":
        opened = open_stores(tmp_path)
    else:
        opened = azure_stores_from_connection_string(request.getfixturevalue("azurite"), fresh_names())
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
def usage(stores: Stores) -> UsageStore:
    return stores.usage
