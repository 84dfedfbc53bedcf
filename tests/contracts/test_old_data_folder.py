"""A local data folder of an older release: what is new in this one is made in it, and what was there stays."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from local_host.stores.stores import open_stores
from shared.domain.keys.project import default_project
from tests.contracts.samples import START, a_service_account, an_api_key

OLD = Path(__file__).with_name("stores_0_4_0.sql")


@pytest.fixture
async def stores(tmp_path):
    with closing(sqlite3.connect(tmp_path / "stores.db")) as old:
        old.executescript(OLD.read_text())
    opened = open_stores(tmp_path)
    yield opened
    await opened.close()


async def test_what_was_there_stays(stores):
    """Under the owner it had, whose name is that of the default project."""
    project = default_project(START)
    await stores.projects.insert(project)
    assert [file.filename for file in await stores.files.list(project.id, limit=9)] == ["in.jsonl"]


async def test_new_tables_appear(stores):
    """Projects, service accounts and keys, empty at first."""
    assert await stores.projects.list(limit=9) == []
    assert await stores.service_accounts.list("default", limit=9) == []
    await stores.service_accounts.insert(a_service_account(1, project="default"))
    await stores.api_keys.insert(an_api_key(1, project="default"))
    assert await stores.api_keys.list("default", limit=9) == [an_api_key(1, project="default")]
