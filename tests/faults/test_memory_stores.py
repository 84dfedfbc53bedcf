"""The stores in memory keep the same promises as those that ship."""

import pytest

from shared.ports.stores import Stores
from tests.contracts.conftest import batches, blobs, chunks, files, heartbeats, usage  # noqa: F401 - fixtures over `stores`
from tests.contracts.test_batch_store import *  # noqa: F403 - the suite itself, on other stores
from tests.contracts.test_blob_store import *  # noqa: F403
from tests.contracts.test_chunk_store import *  # noqa: F403
from tests.contracts.test_file_store import *  # noqa: F403
from tests.contracts.test_heartbeat_store import *  # noqa: F403
from tests.contracts.test_spending_store import *  # noqa: F403
from tests.contracts.test_usage_store import *  # noqa: F403
from tests.faults.memory_stores import memory_stores


@pytest.fixture
def stores() -> Stores:
    return memory_stores()
