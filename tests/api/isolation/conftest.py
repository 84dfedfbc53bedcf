"""One project calls; a stranger has one of each object, and has it still when the test is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.keys.project import DEFAULT_PROJECT
from shared.ports.stores import Stores
from shared.services import Services, use
from shared.settings import Settings
from tests.api.belongings import Belongings, Furnisher, everything_of
from tests.api.harness import BLOCK_BYTES, KEY, MAX_FILE_BYTES, Clock, NoUpstream
from tests.api.isolation.answers import STRANGER
from tests.api.made_keys import make_key, make_project, with_peppers
from tests.contracts.conftest import fresh_names
from tests.fake_receivers import FakeReceivers


@pytest.fixture(params=["local-project", "local-operator", "azurite-project"])
def setup(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The back end, and who calls: a project on what is the default project's, or the operator on a project's."""
    back_end, caller = request.param.split("-")
    return back_end, caller


@pytest.fixture
async def stores(request: pytest.FixtureRequest, setup: tuple[str, str], tmp_path: Path) -> AsyncIterator[Stores]:
    if setup[0] == "local":
        opened = open_stores(tmp_path)
    else:
        opened = azure_stores_from_connection_string(request.getfixturevalue("azurite"), fresh_names())
    yield opened
    await opened.close()


@pytest.fixture
async def services(stores: Stores, clock: Clock, receivers: FakeReceivers) -> AsyncIterator[Services]:
    settings = Settings(bootstrap_key=KEY, upload_block_bytes=BLOCK_BYTES, max_file_bytes=MAX_FILE_BYTES)
    built = Services(settings=settings, stores=stores, upstream=NoUpstream(), webhook_sender=receivers, now=clock)
    with use(with_peppers(built)) as installed:
        yield installed


@pytest.fixture
async def owner(anonymous: httpx.AsyncClient, services: Services, setup: tuple[str, str]) -> str:
    """The project that calls; every call has its key."""
    if setup[1] == "operator":
        anonymous.headers["authorization"] = f"Bearer {KEY}"
        return DEFAULT_PROJECT
    project = await make_project(services)
    anonymous.headers.update((await make_key(services, project)).headers)
    return project.id


@pytest.fixture
async def api(anonymous: httpx.AsyncClient, owner: str) -> httpx.AsyncClient:  # noqa: ARG001 - it has set the key
    return anonymous


@pytest.fixture
async def theirs(services: Services, clock: Clock, owner: str) -> AsyncIterator[Belongings]:
    """The stranger's objects: all of them are, whatever the test does, as they were before."""
    stranger = STRANGER if owner == DEFAULT_PROJECT else DEFAULT_PROJECT
    owned = await Furnisher(services, stranger, clock()).furnish()
    before = await everything_of(services, owned)
    clock.advance(seconds=1)
    yield owned
    assert await everything_of(services, owned) == before
