"""A record that does not decode: whoever asks for it hears so, lists go on without it, and nothing is lost by it."""

from __future__ import annotations

import pytest

from shared.azure.names import newest_first, table_key
from shared.domain.batches.chunk import ChunkRow
from shared.domain.errors import Damaged
from tests.contracts.samples import (
    START,
    a_batch,
    a_delivery,
    a_file,
    a_heartbeat,
    a_project,
    a_service_account,
    a_webhook_endpoint,
    an_api_key,
    an_id,
    an_upload,
)

OWNER = "project-a"
NUMBERS = (0, 1, 2, 3)
BAD = an_id(2)
GARBAGE = [b'{"id": 5}', b"\xff\xfe", b"", b'{"id": "\xed\xa0\x80"}']


@pytest.fixture(params=GARBAGE, ids=["wrong_type", "no_text", "empty", "no_utf8"])
def garbage(request):
    return request.param


@pytest.fixture
def spoil(stores, garbage):
    """Write garbage over the record of id BAD in one of the tables."""
    places = {
        "files": (stores.files, table_key(OWNER), newest_first(BAD)),
        "batches": (stores.batches, table_key(OWNER), newest_first(BAD)),
        "uploads": (stores.uploads, table_key(OWNER), table_key(BAD)),
        "webhook_endpoints": (stores.webhook_endpoints, table_key(OWNER), newest_first(BAD)),
        "projects": (stores.projects, table_key("projects"), newest_first(BAD)),
        "service_accounts": (stores.service_accounts, table_key(OWNER), newest_first(BAD)),
        "api_keys": (stores.api_keys, newest_first(BAD), newest_first(BAD)),
        "webhook_deliveries": (stores.deliveries, table_key(BAD), table_key("delivery")),
    }

    async def spoil(table):
        if hasattr(stores.files, "_database"):
            query = f"UPDATE {table} SET record = ? WHERE id = ?"
            write = stores.files._database.write
            assert await write(lambda connection: connection.execute(query, (garbage, BAD)).rowcount) == 1
        else:
            where, partition, key = places[table]
            await where._table.upsert(partition, key, garbage)

    return spoil


async def collect(items):
    return sorted([getattr(item, "value", item).id async for item in items])


SOUND = [an_id(number) for number in NUMBERS if an_id(number) != BAD]


async def test_files(stores, spoil, caplog):
    """Pages stay full, in both orders; the sweep, which asks for every one, must not go on without it."""
    for number in NUMBERS:
        await stores.files.insert(a_file(number, expires_at=START))
    await spoil("files")
    with pytest.raises(Damaged, match="operator"):
        await stores.files.get(OWNER, BAD)
    newest = await stores.files.list(OWNER, limit=3)
    assert [file.id for file in newest] == SOUND[::-1]
    oldest = await stores.files.list(OWNER, limit=3, newest_first=False)
    assert [file.id for file in oldest] == SOUND
    assert [file.id for file in await stores.files.list(OWNER, limit=2)] == [an_id(3), an_id(1)]
    assert await collect(stores.files.expired(START)) == SOUND
    with pytest.raises(Damaged):
        await collect(stores.files.every())
    assert {record.action for record in caplog.records} <= {"record_damaged"}


async def test_batches(stores, spoil):
    """In lists, and among the unfinished, whose runs go on; its own is not forgotten."""
    for number in NUMBERS:
        await stores.batches.insert(a_batch(number))
    await spoil("batches")
    with pytest.raises(Damaged):
        await stores.batches.get(OWNER, BAD)
    assert [batch.id for batch in await stores.batches.list(OWNER, limit=3)] == SOUND[::-1]
    assert [batch.id for batch in await stores.batches.list(OWNER, limit=3, newest_first=False)] == SOUND
    for _ in range(2):
        assert await collect(stores.batches.unfinished()) == SOUND


async def test_uploads(stores, spoil):
    """Those whose time is over are ended all the same."""
    for number in NUMBERS:
        await stores.uploads.insert(an_upload(number))
    await spoil("uploads")
    with pytest.raises(Damaged):
        await stores.uploads.get(OWNER, BAD)
    assert await collect(stores.uploads.expired(an_upload().expires_at)) == SOUND


async def test_webhooks(stores, spoil):
    """Endpoints in lists; deliveries that are due."""
    for number in NUMBERS:
        await stores.webhook_endpoints.insert(a_webhook_endpoint(number))
        await stores.deliveries.insert(a_delivery(number))
    await spoil("webhook_endpoints")
    await spoil("webhook_deliveries")
    with pytest.raises(Damaged):
        await stores.webhook_endpoints.get(OWNER, BAD)
    endpoints = await stores.webhook_endpoints.list(OWNER, limit=3)
    assert [endpoint.id for endpoint in endpoints] == SOUND[::-1]
    assert await collect(stores.deliveries.due(START)) == SOUND


async def test_projects_and_accounts(stores, spoil):
    """Each is missing by itself."""
    for number in NUMBERS:
        await stores.projects.insert(a_project(number))
        await stores.service_accounts.insert(a_service_account(number))
    await spoil("projects")
    await spoil("service_accounts")
    with pytest.raises(Damaged):
        await stores.projects.get(BAD)
    with pytest.raises(Damaged):
        await stores.service_accounts.get(OWNER, BAD)
    assert [project.id for project in await stores.projects.list(limit=3)] == SOUND[::-1]
    assert [account.id for account in await stores.service_accounts.list(OWNER, limit=3)] == SOUND[::-1]


async def test_api_keys(stores, spoil):
    """A damaged one opens nothing; the project's others are still listed."""
    for number in NUMBERS:
        await stores.api_keys.insert(an_api_key(number))
    await spoil("api_keys")
    with pytest.raises(Damaged):
        await stores.api_keys.get(BAD)
    assert [key.id for key in await stores.api_keys.list(OWNER, limit=3)] == SOUND[::-1]


async def spoil_lane(stores, garbage, lane):
    if hasattr(stores.files, "_database"):
        query = "UPDATE heartbeats SET record = ? WHERE lane = ?"
        await stores.files._database.write(lambda connection: connection.execute(query, (garbage, lane)).rowcount)
    else:
        key = f"{an_id(0)}_{lane:04d}"
        await stores.heartbeats._table.upsert(table_key("gpt-4o-mini"), key, garbage)


async def test_a_lane_beats_anew(stores, garbage):
    """A heartbeat is nobody's truth: a damaged one is dropped by whoever claims the lane."""
    beats = [a_heartbeat(lane) for lane in range(2)]
    for beat in beats:
        await stores.heartbeats.beat(beat)
    await spoil_lane(stores, garbage, 1)
    assert await stores.heartbeats.list("gpt-4o-mini") == beats[:1]
    assert await stores.heartbeats.get("gpt-4o-mini", an_id(0), 1) is None
    await stores.heartbeats.claim(beats[1], None)
    assert await stores.heartbeats.list("gpt-4o-mini") == beats


async def test_a_damaged_row_of_a_chunk_is_told(stores, garbage):
    """It counts: to go on without it would be to ask its lines again."""
    version = await stores.chunks.put(ChunkRow(batch_id="b", index=0), None)
    assert version
    if hasattr(stores.files, "_database"):
        query = "UPDATE chunk_rows SET record = ?"
        await stores.files._database.write(lambda connection: connection.execute(query, (garbage,)).rowcount)
    else:
        await stores.chunks._table.upsert(table_key("b"), table_key("000000"), garbage)
    with pytest.raises(Damaged):
        await stores.chunks.list("b")
    with pytest.raises(Damaged):
        await stores.chunks.get("b", 0)
