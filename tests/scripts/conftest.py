"""A service for whatever tries one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.programs import Mock, Service
from tests.scripts.smoking import QUICK


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with an upstream that answers."""
    folder = tmp_path_factory.mktemp("well")
    mock = Mock(folder)
    mock.start()
    service = Service(folder, mock.url, BATCH_WEBHOOK_ALLOW_HTTP="true", BATCH_WEBHOOK_ALLOW_PRIVATE="true", **QUICK)
    service.start()
    yield service
    service.stop()
    mock.stop()
