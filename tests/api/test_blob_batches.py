"""Creating batches on callers' own blobs, and what they look like (contract 1.5.5, 1.7, 2.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest

from shared.domain.batches.batch import Batch, BatchError, Refused
from shared.domain.ids import to_uuid
from shared.run.batches.change import change
from shared.services import Services, use
from tests.fake_caller_blobs import FOLDER, HOST, URL, FakeCallerBlobs
from tests.with_stores import with_stores

Send = Callable[..., Awaitable[httpx.Response]]
V1, CLASSIC = "/openai/v1/batches", "/openai/batches?api-version=2025-04-01-preview"
BLOBS = {"input_file_id": None, "input_blob": URL, "output_folder": {"url": f"{FOLDER}/"}}


@pytest.fixture
async def listed(services: Services) -> AsyncIterator[Services]:
    """The account of the caller is listed; nothing is in it."""
    settings = replace(services.settings, blob_hosts=HOST)
    with use(replace(with_stores(services, caller_blobs=FakeCallerBlobs()), settings=settings)) as changed:
        yield changed


async def stored(services: Services) -> Batch:
    (batch,) = await services.stores.batches.list("default", limit=10)
    return batch


@pytest.mark.parametrize(("path", "status"), [(V1, 200), (CLASSIC, 201)])
async def test_the_record_knows_both_addresses(create: Send, listed: Services, path: str, status: int) -> None:
    """Its bytes will be a copy of its own; that account is not asked yet (contract 1.5.5)."""
    answer = await create(path, **BLOBS)
    batch = await stored(listed)
    assert answer.status_code == status
    assert (batch.input_url, batch.output_folder, batch.input_blob) == (URL, FOLDER, "")
    assert isinstance(listed.stores.caller_blobs, FakeCallerBlobs)
    assert listed.stores.caller_blobs.deeds == []


@pytest.mark.parametrize("path", [V1, CLASSIC])
async def test_before_the_end_results_have_no_address(create: Send, listed: Services, path: str) -> None:
    """Contract 1.7: `""` until known; `input_file_id` and `metadata` are null."""
    batch = (await create(path, **BLOBS)).json()
    assert (batch["input_blob"], batch["output_blob"], batch["error_blob"]) == (URL, "", "")
    assert (batch["input_file_id"], batch["metadata"], batch["output_file_id"]) == (None, None, None)


@pytest.mark.parametrize("path", ["/openai/v1/batches", "/v1/batches"])
async def test_at_the_end_both_addresses_are_filled(
    create: Send, api: httpx.AsyncClient, listed: Services, path: str
) -> None:
    """Contract 2.5: even when the blobs were never written; through every dialect."""
    await create(V1, **BLOBS)
    batch = await stored(listed)
    await change(listed, batch, Refused(errors=(BatchError(code="input_no_permissions", message="No."),)))
    seen = (await api.get(f"{path}/{to_uuid(batch.id)}")).json()
    assert seen["output_blob"] == f"{FOLDER}/{to_uuid(batch.id)}/results.jsonl"
    assert seen["error_blob"] == f"{FOLDER}/{to_uuid(batch.id)}/errors.jsonl"


@pytest.mark.parametrize(("path", "keys"), [(V1, 3), (CLASSIC, 0), ("/v1/batches", 0)])
async def test_a_batch_on_files_has_the_keys_where_the_schema_has(create: Send, path: str, keys: int) -> None:
    """Azure v1 always, empty; the others stay as they are (contract 1.7)."""
    batch = (await create(path)).json()
    assert [batch[name] for name in ("input_blob", "output_blob", "error_blob") if name in batch] == [""] * keys


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/openai/batches"])
@pytest.mark.parametrize("name", ["input_blob", "output_folder"])
async def test_other_vendors_have_no_blobs(create: Send, listed: Services, path: str, name: str) -> None:
    """The message says what to do instead."""
    answer = (await create(path, **{name: BLOBS[name]})).json()["error"]
    assert (answer["code"], answer["param"]) == ("unsupported_parameter", name)
    assert "Upload the file" in answer["message"]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"input_blob": "https://elsewhere.blob.core.windows.net/box/in.jsonl"}, "input_blob"),
        ({"output_folder": {"url": "https://elsewhere.blob.core.windows.net/box"}}, "output_folder.url"),
        ({"input_blob": f"{URL}?sig=x"}, "input_blob"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"input_file_id": "file-1"}, "input_blob"),
        ({"input_blob": None}, "input_file_id"),
    ],
)
async def test_mistakes_create_nothing(create: Send, listed: Services, changes: dict[str, Any], param: str) -> None:
    """400 naming the field."""
    answer = await create(V1, **BLOBS | changes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert await listed.stores.batches.list("default", limit=10) == []


async def test_without_a_listed_account_nobody_has_blobs(create: Send) -> None:
    """Off until the operator says otherwise."""
    answer = await create(V1, **BLOBS)
    assert (answer.status_code, "BATCH_BLOB_HOSTS" in answer.text) == (400, True)


async def test_a_batch_that_never_ran_is_retried_on_the_same_blob(
    create: Send, api: httpx.AsyncClient, listed: Services
) -> None:
    """Not a file: the blob is read again, into a copy of the new batch."""
    assert isinstance(listed.stores.caller_blobs, FakeCallerBlobs)
    listed.stores.caller_blobs.data[URL] = b"{}\n"
    await create(V1, **BLOBS)
    first = await stored(listed)
    await change(listed, first, Refused(errors=()))
    answer = await api.post(f"{V1}/{to_uuid(first.id)}/retry")
    retry = next(batch for batch in await listed.stores.batches.list("default", limit=10) if batch.retry_of)
    assert answer.status_code == 200
    assert (retry.input_url, retry.input_blob, retry.output_folder) == (URL, "", FOLDER)


def test_records_of_before_can_be_read() -> None:
    """A record written by an older version has none of the new fields."""
    old = {
        "id": "0" * 32,
        "owner": "o",
        "vendor": "azure",
        "endpoint": "/v1/responses",
        "input_file_id": "1" * 32,
        "input_blob": "files/1",
        "completion_window": "24h",
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-01-02T00:00:00Z",
    }
    batch = msgspec.json.decode(msgspec.json.encode(old), type=Batch)
    assert (batch.input_url, batch.output_folder, batch.input_etag, batch.retry_of) == (None, None, None, None)
    assert (batch.key_id, batch.key_models) == (None, None)
