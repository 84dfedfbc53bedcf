"""The stores under test: the same suite runs against every implementation of `shared.ports`."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.azure.names import Names
from shared.ports import BatchStore, BlobStore, CallerBlobs, CreationStore, FileStore, UploadStore
from shared.webhook_ports import WebhookStore


class Stores(NamedTuple):
    blobs: BlobStore
    caller_blobs: CallerBlobs
    files: FileStore
    batches: BatchStore
    creations: CreationStore
    uploads: UploadStore
    webhooks: WebhookStore


@pytest.fixture(params=["local", "azurite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """Empty stores of one back end."""
    if request.param == "local":
        opened: Any = open_stores(tmp_path)
    else:
        opened = azure_stores_from_connection_string(request.getfixturevalue("azurite"), fresh_names())
    yield opened
    await opened.close()


def fresh_names() -> Names:
    """A container and tables that no other test uses; they go with the emulator."""
    mark = uuid.uuid4().hex[:12]
    return Names(
        container=f"files-{mark}",
        files=f"Files{mark}",
        batches=f"B{mark}",
        chunks=f"C{mark}",
        lanes=f"L{mark}",
        creations=f"N{mark}",
        uploads=f"U{mark}",
        webhook_endpoints=f"E{mark}",
        webhook_deliveries=f"D{mark}",
    )


@pytest.fixture
def blobs(stores: Stores) -> BlobStore:
    return stores.blobs


@pytest.fixture
def files(stores: Stores) -> FileStore:
    return stores.files


@pytest.fixture
def batches(stores: Stores) -> BatchStore:
    return stores.batches


@pytest.fixture
def creations(stores: Stores) -> CreationStore:
    return stores.creations


@pytest.fixture
def uploads(stores: Stores) -> UploadStore:
    return stores.uploads


@pytest.fixture
def webhooks(stores: Stores) -> WebhookStore:
    return stores.webhooks
