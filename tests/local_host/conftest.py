"""Fixtures of the local host's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.local_host.engine_host import Host


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[Host]:
    """A running engine."""
    host = Host(tmp_path)
    await host.start()
    yield host
    await host.engine.stop(0)
