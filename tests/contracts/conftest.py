"""The stores under test: the same suite runs against every implementation of `shared.ports`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local_host.stores import open_stores
from shared.ports import BatchStore, BlobStore, FileStore


class Stores(NamedTuple):
    blobs: BlobStore
    files: FileStore
    batches: BatchStore


@pytest.fixture(params=["local"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """Three empty stores of one back end."""
    opened = open_stores(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def blobs(stores: Stores) -> BlobStore:
    return stores.blobs


@pytest.fixture
def files(stores: Stores) -> FileStore:
    return stores.files


@pytest.fixture
def batches(stores: Stores) -> BatchStore:
    return stores.batches
