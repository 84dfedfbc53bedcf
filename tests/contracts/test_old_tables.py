"""Tables of release 0.4.0: what its single owner had is found under the default project's id.

Entities are written as that release wrote them, keys and all; the records are its own (`tests/release_0_4_0`).
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient

from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.keys.project import DEFAULT_PROJECT
from tests.contracts.conftest import fresh_names

OLD = Path(__file__).parents[1] / "release_0_4_0/stores.sql"
FILE, ENDED, RUNNING = (
    "01a21bc7bc267250894ccd830cebe9c8",
    "01a21bc7bc6a7b90b22b74434f78884b",
    "01a21bc7e00475949d626b9de3d502ab",
)
UPLOAD, ENDPOINT = "01a21bc7dfea766fb59026a59ee69252", "01a21bc7bbc47e8588e6c15858369f3b"
MARKER = b'{"owner":"default","batch_id":"%s","at":"2026-11-27T06:53:33Z"}' % RUNNING.encode()
# Table of `Names`, id in the record, partition, row key.
ENTITIES = [
    ("files", FILE, "default", "fe5de43843d98daf76b3327cf3141637"),
    ("batches", ENDED, "default", "fe5de4384395846f4dd48bbcb08777b4"),
    ("batches", RUNNING, "default", "fe5de4381ffb8a6b629d94621c2afd54"),
    ("uploads", UPLOAD, "default", UPLOAD),
    ("webhook_endpoints", ENDPOINT, "default", "fe5de438443b817a77193ea7a7c960c4"),
]


@pytest.fixture
async def stores(azurite):
    names = fresh_names()
    with TableServiceClient.from_connection_string(azurite) as service, closing(sqlite3.connect(":memory:")) as old:
        old.executescript(OLD.read_text())
        for table, record_id, partition, row in ENTITIES:
            (record,) = old.execute(f"SELECT record FROM {table} WHERE id = ?", (record_id,)).fetchone()
            purpose = {"Purpose": "batch"} if table == "files" else {}
            _write(service, getattr(names, table), partition, row, record, **purpose)
        _write(service, names.batches, "$unfinished", f"{RUNNING}_default", MARKER)
    opened = azure_stores_from_connection_string(azurite, names)
    yield opened
    await opened.close()


def _write(service, table, partition, row, record, **columns):
    entity = {"PartitionKey": partition, "RowKey": row, "Write": "0" * 16, "Record0": record, **columns}
    service.create_table_if_not_exists(table).upsert_entity(entity)


async def test_what_was_there_is_the_default_projects(stores):
    """Each by its id and in its list, newest first."""
    assert [file.id for file in await stores.files.list(DEFAULT_PROJECT, purpose="batch", limit=9)] == [FILE]
    assert [batch.id for batch in await stores.batches.list(DEFAULT_PROJECT, limit=9)] == [RUNNING, ENDED]
    assert [batch.id async for batch in stores.batches.unfinished()] == [RUNNING]
    assert [each.id for each in await stores.webhook_endpoints.list(DEFAULT_PROJECT, limit=9)] == [ENDPOINT]
    assert (await stores.uploads.get(DEFAULT_PROJECT, UPLOAD)).value.filename == "parts.jsonl"
    assert (await stores.batches.get(DEFAULT_PROJECT, ENDED)).value.metadata == {"team": "first"}


async def test_a_batch_from_before_can_be_changed(stores):
    """Under the same keys: nothing is there twice."""
    stored = await stores.batches.get(DEFAULT_PROJECT, RUNNING)
    await stores.batches.replace(stored.value, stored.version)
    assert [batch.id for batch in await stores.batches.list(DEFAULT_PROJECT, limit=9)] == [RUNNING, ENDED]
    assert await stores.files.delete(DEFAULT_PROJECT, FILE)
