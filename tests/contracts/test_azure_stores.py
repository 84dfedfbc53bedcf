"""What only the stores on Azure Storage do: find their account, keep markers true, survive a lost answer."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobClient
from hypothesis import example, given
from hypothesis import strategies as st

from shared.azure.connect import azure_stores, azure_stores_from_connection_string
from shared.azure.names import EXPIRY, LONGEST, UNFINISHED, compound, newest_first, table_key
from shared.azure.table_batches import _Marker, _marker_key
from shared.domain.batches.batch import BatchError, Status
from shared.domain.errors import Unavailable
from shared.environment import SettingsError
from shared.ports.base import AlreadyExists, Changed
from tests.contracts.conftest import fresh_names
from tests.contracts.samples import START, a_batch, a_file
from tests.starved import stretched

UNUSED_KEY = "bm90IGEga2V5"
NOBODY = (
    f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey={UNUSED_KEY};"
    "BlobEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a"
)


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch):
    """How storage is reached is what these tests say."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def azure(azurite):
    stores = azure_stores_from_connection_string(azurite, fresh_names())
    yield stores
    await stores.close()


async def markers(table, partition):
    return [row.key async for row in table.query(partition)]


async def finish(batches, batch):
    stored = await batches.get(batch.owner, batch.id)
    await batches.replace(msgspec.structs.replace(stored.value, status=Status.FAILED), stored.version)


def test_no_account_is_one_error_that_names_the_settings(monkeypatch):
    """Both ways to name an account, spelled out."""
    monkeypatch.delenv("Files", raising=False)
    with pytest.raises(SettingsError, match="set Files to .* Files__blobServiceUri and Files__tableServiceUri"):
        azure_stores("Files")


def test_half_an_account_is_the_same_error(monkeypatch):
    """Blob without Table is not enough."""
    monkeypatch.setenv("Files__blobServiceUri", "https://a.blob.core.windows.net")
    with pytest.raises(SettingsError, match="Files__tableServiceUri"):
        azure_stores("Files")


def test_a_broken_connection_string_is_an_error_without_the_string():
    """The message does not repeat what may hold a key."""
    with pytest.raises(SettingsError) as error:
        azure_stores_from_connection_string(f"AccountKey={UNUSED_KEY}")
    assert UNUSED_KEY not in str(error.value)


@pytest.mark.parametrize("client_id", ["", "11111111-2222-3333-4444-555555555555"])
async def test_uris_and_an_identity_name_an_account(monkeypatch, client_id):
    """With and without a user-assigned identity, the stores are made; nothing is asked yet."""
    monkeypatch.setenv("Files__blobServiceUri", "https://a.blob.core.windows.net")
    monkeypatch.setenv("Files__tableServiceUri", "https://a.table.core.windows.net")
    monkeypatch.setenv("Files__clientId", client_id)
    await azure_stores("Files").close()


async def test_the_setting_may_be_a_connection_string(monkeypatch, azurite):
    """What `AzureWebJobsStorage` holds on a development machine."""
    monkeypatch.setenv("Files", azurite)
    stores = azure_stores("Files")
    assert await stores.blobs.delete("files/none") is False
    await stores.close()


async def test_the_short_name_of_azurite_is_understood():
    """`UseDevelopmentStorage=true`, which the SDKs for Python do not know."""
    await azure_stores_from_connection_string("UseDevelopmentStorage=true").close()


async def test_an_account_that_does_not_answer_is_unavailable_within_seconds():
    """Blob and Table Storage both, after a few retries."""
    stores = azure_stores_from_connection_string(NOBODY)
    begun = time.monotonic()
    outcomes = await asyncio.gather(
        stores.blobs.size("files/a"),
        stores.files.get("a", "0"),
        stores.batches.list("a", limit=1),
        return_exceptions=True,
    )
    await stores.close()
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert time.monotonic() - begun < stretched(20)


async def test_requests_are_not_logged(azure, caplog):
    """The SDK's line per request stays out of the log at INFO."""
    caplog.set_level(logging.INFO)
    await azure.blobs.put("plans/a", b"x")
    await azure.files.insert(a_file(1))
    assert [record.name for record in caplog.records] == []


async def test_two_processes_may_be_the_first(azurite):
    """Container and tables are made once, whoever comes first."""
    names = fresh_names()
    both = [azure_stores_from_connection_string(azurite, names) for _ in range(2)]
    await asyncio.gather(*(stores.blobs.put("plans/a", b"x") for stores in both))
    await asyncio.gather(*(stores.files.get("a", "0") for stores in both))
    assert await both[0].blobs.size("plans/a") == 1
    for stores in both:
        await stores.close()


async def test_a_netrc_is_not_read(azure, tmp_path, monkeypatch):
    """A user's logins are no keys of storage; to look for them costs a hand-over between threads for each request."""
    (tmp_path / "netrc").write_text("default login somebody password something")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    await azure.blobs.append("journals/b/0", b"x")
    assert await azure.blobs.size("journals/b/0") == 1


async def test_a_proxy_of_the_environment_is_used(azurite, monkeypatch):
    """Both services are reached through it."""
    asked = []

    async def refuse(reader, writer):
        asked.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        stores = azure_stores_from_connection_string(azurite, fresh_names())
        for call in (stores.blobs.put("plans/b", b"x"), stores.batches.get("o", "b")):
            with pytest.raises(Unavailable):
                await call
        await stores.close()
    assert len(asked) == 2
    assert all("http://127.0.0.1:" in line for line in asked)


async def test_a_full_append_blob_says_what_to_do(azure, monkeypatch):
    """50,000 appends are the service's limit."""

    async def full(*_: object, **__: object) -> None:
        error = HttpResponseError("The committed block count cannot exceed the maximum limit of 50,000 blocks.")
        error.status_code, error.error_code = 409, "BlockCountExceedsLimit"
        raise error

    monkeypatch.setattr(BlobClient, "append_block", full)
    with pytest.raises(Unavailable, match="raise BATCH_JOURNAL_SECONDS"):
        await azure.blobs.append("journals/b/0", b"x")


async def test_a_record_too_large_for_an_entity_is_a_clear_error(azure):
    """Nothing is written by halves."""
    errors = tuple(BatchError(code="c", message="x" * 10_000) for _ in range(100))
    with pytest.raises(ValueError, match="does not fit"):
        await azure.batches.insert(a_batch(1, errors=errors))
    assert await azure.batches.get("project-a", a_batch(1).id) is None


async def test_a_finished_batch_leaves_no_marker(azure):
    """What `unfinished` reads shrinks with every batch that ends."""
    await azure.batches.insert(a_batch(1))
    await finish(azure.batches, a_batch(1))
    assert await markers(azure.batches._table, UNFINISHED) == []


async def test_a_marker_left_by_a_crash_at_the_end_is_cleaned(azure):
    """Killed between the terminal record and the removal of its marker."""
    batch = a_batch(1)
    await azure.batches.insert(batch)
    await finish(azure.batches, batch)
    marker = msgspec.json.encode(_Marker(batch.owner, batch.id, datetime.now(UTC)))
    await azure.batches._table.upsert(UNFINISHED, _marker_key(batch), marker)
    assert [found.id async for found in azure.batches.unfinished()] == []
    assert await markers(azure.batches._table, UNFINISHED) == []


@pytest.mark.parametrize(("age_minutes", "kept"), [(5, True), (120, False)])
async def test_a_marker_without_a_record_is_cleaned_when_old(azure, age_minutes, kept):
    """A young one may belong to an insert in progress, whose record must not become invisible."""
    batch = a_batch(1)
    at = datetime.now(UTC) - timedelta(minutes=age_minutes)
    marker = msgspec.json.encode(_Marker(batch.owner, batch.id, at))
    await azure.batches._table.upsert(UNFINISHED, _marker_key(batch), marker)
    assert [found.id async for found in azure.batches.unfinished()] == []
    assert bool(await markers(azure.batches._table, UNFINISHED)) is kept


async def test_an_expiry_marker_without_a_record_is_cleaned_when_due(azure):
    """Killed between the removal of a record and of its marker."""
    file = a_file(1, expires_at=START)
    await azure.files.insert(file)
    await azure.files._table.delete(table_key(file.owner), newest_first(file.id))
    assert [found.id async for found in azure.files.expired(START + timedelta(days=1))] == []
    assert await markers(azure.files._table, EXPIRY) == []


def sent_twice(send):
    """As the SDK does when the first answer is lost on the way."""

    async def twice(*args: object, **options: object) -> object:
        await send(*args, **options)
        return await send(*args, **options)

    return twice


async def test_an_insert_whose_answer_was_lost_succeeds(azure, monkeypatch):
    """The row that the repeated request meets is our own."""
    table = azure.files._table
    monkeypatch.setattr(table._client, "create_entity", sent_twice(table._client.create_entity))
    await azure.files.insert(a_file(1))
    with pytest.raises(AlreadyExists):
        await azure.files.insert(a_file(1))


async def test_a_replace_whose_answer_was_lost_succeeds(azure, monkeypatch):
    """The version that the repeated request meets is our own, and it is the one returned."""
    await azure.batches.insert(a_batch(1))
    stored = await azure.batches.get("project-a", a_batch(1).id)
    client = azure.batches._table._client
    monkeypatch.setattr(client, "update_entity", sent_twice(client.update_entity))
    version = await azure.batches.replace(a_batch(1, total=1), stored.version)
    assert (await azure.batches.get("project-a", a_batch(1).id)).version == version
    with pytest.raises(Changed):
        await azure.batches.replace(a_batch(1, total=2), stored.version)


_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)


@given(_ANY_TEXT, _ANY_TEXT)
@example("x" * 1000, "x" * 1001)
@example("\ud800", "/")
def test_table_keys_are_legal_and_tell_texts_apart(one, other):
    """No character that Table Storage refuses, no `$` of the markers, not too long; two texts never share a key."""
    assert len(compound(one, other)) <= 2 * LONGEST + 1
    assert not set(table_key(one)) & set("/\\#?%$ '")
    assert table_key(one).isascii()
    assert table_key(one).isprintable()
    assert (table_key(one) == table_key(other)) is (one == other)


@given(st.integers(0, (1 << 128) - 1), st.integers(0, (1 << 128) - 1))
def test_row_keys_sort_newest_first(one, other):
    """A greater id has the smaller row key."""
    assert (newest_first(f"{one:032x}") < newest_first(f"{other:032x}")) is (one > other)
