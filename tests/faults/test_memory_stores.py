"""The stores in memory keep the same promises as those that ship."""

import pytest

from tests.contracts.test_batch_store import *  # noqa: F403 - the suite itself, on other fixtures
from tests.contracts.test_blob_store import *  # noqa: F403
from tests.contracts.test_file_store import *  # noqa: F403
from tests.faults.memory_stores import MemoryBatches, MemoryBlobs, MemoryFiles


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def batches() -> MemoryBatches:
    return MemoryBatches()
