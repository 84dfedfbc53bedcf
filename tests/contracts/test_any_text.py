"""Text of a caller in the place of an owner, an id or a name: to every store it is a name like any other.

Table Storage takes no slash, backslash, `#`, `?`, `%`, control character or long text as a key, and answers 400 where
SQLite answers nothing found: what waits for a store to come back would wait for ever.
"""

import asyncio

import msgspec
import pytest

from shared.domain.batches.batch import Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.creation import Creation
from tests.contracts.samples import (
    START,
    a_batch,
    a_delivery,
    a_file,
    a_heartbeat,
    a_part,
    a_project,
    a_service_account,
    a_webhook_endpoint,
    an_api_key,
    an_id,
    an_upload,
)

TEXTS = {
    "slash": "/",
    "backslash": "\\",
    "hash": "#",
    "question": "?",
    "percent": "%",
    "escaped": "%2F",
    "up": "../..",
    "dot": ".",
    "quotes": "'\"`",
    "url": "https://account.blob.core.windows.net/box/in.jsonl?sv=1#x",
    "path": "C:\\data\\in.jsonl",
    "controls": "".join(map(chr, range(0x20))),
    "more_controls": "".join(map(chr, range(0x7F, 0xA0))),
    "nul": "\0",
    "spaces": "  ",
    "empty": "",
    "marker": "$unfinished",
    "unicode": "файл-🚀-\u202e-\uffff",
    "long": "x" * 5000,
    "long_unicode": "ü" * 3000,
}


@pytest.fixture(params=TEXTS.values(), ids=TEXTS.keys())
def text(request):
    return request.param


async def collect(items):
    return [item async for item in items]


async def test_looking_for_it_finds_nothing(stores, text):
    """In the place of an id, an owner, a name or a position: an answer, and no error."""
    found = await asyncio.gather(
        stores.files.get("project-a", text),
        stores.files.get(text, an_id(1)),
        stores.batches.get("project-a", text),
        stores.chunks.get(text, 0),
        stores.heartbeats.get(text, text, 0),
        stores.creations.get(text),
        stores.uploads.get("project-a", text),
        stores.webhook_endpoints.get("project-a", text),
        stores.deliveries.get(text),
        stores.projects.get(text),
        stores.service_accounts.get(text, an_id(1)),
        stores.service_accounts.get("project-a", text),
        stores.api_keys.get(text),
    )
    assert found == [None] * len(found)
    lists = await asyncio.gather(
        stores.files.list(text, limit=10),
        stores.files.list("project-a", purpose=text, limit=10),
        stores.files.list("project-a", after=text, limit=10),
        stores.files.list("project-a", after=text, limit=10, newest_first=False),
        stores.batches.list(text, after=text, limit=10),
        stores.chunks.list(text),
        stores.heartbeats.list(text, text),
        stores.uploads.list_parts(text),
        stores.webhook_endpoints.list(text, after=text, limit=10),
        stores.projects.list(after=text, limit=10),
        stores.service_accounts.list(text, after=text, limit=10),
        stores.api_keys.list(text, after=text, limit=10),
    )
    assert lists == [[]] * len(lists)


async def test_files_and_batches_are_kept_under_it(stores, text):
    """As their owner, from the first write to the last."""
    file = a_file(1, owner=text, expires_at=START)
    await stores.files.insert(file)
    assert await stores.files.list(text, limit=1) == [file]
    assert await collect(stores.files.expired(START)) == [file]
    assert await stores.files.delete(text, file.id)
    assert await stores.files.get(text, file.id) is None

    batch = a_batch(1, owner=text, input_file_id=text)
    await stores.batches.insert(batch)
    assert await collect(stores.batches.unfinished()) == [batch]
    stored = await stores.batches.get(text, batch.id)
    failed = msgspec.structs.replace(batch, status=Status.FAILED)
    await stores.batches.replace(failed, stored.version)
    assert await stores.batches.list(text, limit=1) == [failed]
    assert await collect(stores.batches.unfinished()) == []


async def test_progress_is_kept_under_it(stores, text):
    """Chunk rows by batch, heartbeats by deployment and batch."""
    row = ChunkRow(batch_id=text, index=3, lane=0)
    version = await stores.chunks.put(row, None)
    await stores.chunks.put(row, version)
    assert await stores.chunks.list(text) == [row]
    beat = msgspec.structs.replace(a_heartbeat(deployment=text), batch_id=text)
    await stores.heartbeats.beat(beat)
    assert await stores.heartbeats.list(text, text) == [beat] == await stores.heartbeats.list(text)
    await stores.heartbeats.stop(beat)
    assert await stores.heartbeats.list(text) == []


async def test_creations_and_uploads_are_kept_under_it(stores, text):
    """By name; by owner and id, and the parts by theirs."""
    text = text or "-"
    creation = Creation(name=text, request="r", retries=0, object_id=an_id(1), at=START)
    await stores.creations.put(creation, None)
    assert await collect(stores.creations.every()) == [creation]
    await stores.creations.delete(text)
    assert await stores.creations.get(text) is None

    upload, part = an_upload(1, owner=text, id=text), a_part(1, id=text, upload_id=text)
    await stores.uploads.insert(upload)
    await stores.uploads.put_part(part)
    assert await stores.uploads.list_parts(text) == [part]
    assert await collect(stores.uploads.expired(upload.expires_at)) == [upload]
    assert await stores.uploads.delete(upload)
    assert await stores.uploads.list_parts(text) == []


async def test_webhooks_are_kept_under_it(stores, text):
    """Endpoints by owner and id, deliveries by id."""
    endpoint, delivery = a_webhook_endpoint(1, owner=text), a_delivery(1, id=text)
    await stores.webhook_endpoints.insert(endpoint)
    assert await stores.webhook_endpoints.list(text, limit=1) == [endpoint]
    assert await stores.webhook_endpoints.delete(text, endpoint.id)
    await stores.deliveries.insert(delivery)
    assert [stored.value for stored in await collect(stores.deliveries.due(START))] == [delivery]
    await stores.deliveries.delete(delivery)
    assert await stores.deliveries.get(text) is None


async def test_projects_accounts_and_keys_are_kept_under_it(stores, text):
    """By their ids; accounts and keys are listed by project."""
    project, account, key = a_project(1, id=text), a_service_account(1, project=text), an_api_key(1, project=text)
    await stores.projects.insert(project)
    await stores.projects.replace(project, (await stores.projects.get(text)).version)
    await stores.service_accounts.insert(account)
    assert await stores.service_accounts.list(text, limit=1) == [account]
    assert await stores.service_accounts.delete(text, account.id)
    await stores.api_keys.insert(key)
    assert await stores.api_keys.list(text, limit=1) == [key]
    assert await stores.api_keys.list(None, limit=1) == []
    odd = an_api_key(2, id=text)
    await stores.api_keys.insert(odd)
    assert (await stores.api_keys.get(text)).value == odd
    assert await stores.api_keys.delete(text)
