"""The service around a timer: real local stores in a folder of the test, a clock that the test moves, no platform."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local_host.stores.stores import open_stores
from shared.services import Services, use
from shared.settings import Settings
from tests.activities.conftest import Clock
from tests.fake_orchestrations import FakeOrchestrations


@dataclass
class World:
    services: Services
    clock: Clock
    client: FakeOrchestrations = field(default_factory=FakeOrchestrations)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    stores, clock = open_stores(tmp_path), Clock()
    services = Services(settings=Settings(), stores=stores, upstream=None, webhook_sender=None, now=clock)
    with use(services):
        yield World(services, clock)
    await stores.close()
