"""`DELETE batches/{id}?erase=true`: what is left has no word of the caller's, and of ids only what counts usage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.batches.callback import Callback
from shared.domain.batches.chunk import ChunkRow, input_copy, journal_blob, plans_prefix, result_blob
from shared.domain.batches.creation import Creation
from shared.domain.webhooks.callback import callback_of
from shared.domain.webhooks.delivery import ended, new_delivery
from shared.ports.spending import Amount
from shared.run.batches.change import announce
from shared.services import Services
from tests.api.test_batch_deletion import BATCH, ERRORS, INPUT, OUTPUT, PATH, a_whole_batch
from tests.contracts.samples import a_file, a_ledger_row, a_webhook_endpoint, an_id, an_upload

SECRET_WORD = "Kaltwasser"
ERASED = {"erase": "true"}
AT = datetime(2026, 1, 2, tzinfo=UTC)


async def a_traced_batch(services: Services) -> None:
    """Its word, or its id, in everything that may hold one."""
    stores = services.stores
    upload = an_upload(9, owner="default", filename=f"{SECRET_WORD}.jsonl")
    await stores.uploads.insert(upload)
    batch = await a_whole_batch(
        services,
        input_blob=upload.blob,
        metadata={"customer": SECRET_WORD},
        callback=Callback(url=f"https://mine.example/{SECRET_WORD}"),
    )
    for file_id in (INPUT, OUTPUT, ERRORS):
        await stores.files.delete("default", file_id)
        await stores.blobs.delete(f"files/{file_id}")
    blobs = {INPUT: upload.blob, OUTPUT: result_blob(BATCH, "output"), ERRORS: result_blob(BATCH, "error")}
    for file_id, blob in blobs.items():
        await stores.files.insert(a_file(owner="default", id=file_id, blob=blob, filename=SECRET_WORD))
    remains = (journal_blob(BATCH, 3), f"{plans_prefix(BATCH)}-x", input_copy(BATCH, "1"))
    for blob in (*blobs.values(), *remains):
        await stores.blobs.put(blob, SECRET_WORD.encode())
    for number, made in enumerate((BATCH, INPUT, upload.id)):
        creation = Creation(name=f"name-{number}", request=SECRET_WORD, retries=0, object_id=made, at=AT)
        await stores.creations.put(creation, None)
    await stores.webhook_endpoints.insert(a_webhook_endpoint(7, owner="default"))
    await announce(services, batch)
    callback = callback_of(batch)
    assert callback is not None
    delivery = new_delivery(batch, callback, AT)
    assert delivery is not None
    stored = await stores.deliveries.get(delivery.id)
    assert stored is not None
    await stores.deliveries.replace(ended(delivery, AT), stored.version)
    await stores.usage.write([a_ledger_row(1, project="default", batch_id=BATCH)])
    await stores.spending.put("default", date(2026, 1, 2), BATCH, Amount(amount=5, step=1))


def tables_with(folder: Path, text: str) -> set[str]:
    """Which tables have a row with the text in any column."""
    with closing(sqlite3.connect(folder / "stores.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table for table in tables if any(has(row, text) for row in database.execute(f"SELECT * FROM {table}"))}  # noqa: S608 - names of its own


def has(row: tuple[Any, ...], text: str) -> bool:
    return any(text.encode() in (value if isinstance(value, bytes) else str(value).encode()) for value in row)


def bytes_with(folder: Path, text: str) -> list[Path]:
    return [file for file in (folder / "blobs").rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def test_only_what_it_used_is_left(api: httpx.AsyncClient, services: Services, tmp_path: Path) -> None:
    """No table has its word; its id is in the ledger and the accounts alone."""
    await a_traced_batch(services)
    counting = {"usage_rows", "spending"}
    assert tables_with(tmp_path, SECRET_WORD) >= {"files", "batches", "uploads", "creations"}
    assert tables_with(tmp_path, BATCH) > counting | {"webhook_deliveries", "chunk_rows"}

    answer = await api.request("DELETE", PATH, params=ERASED)
    assert (answer.status_code, answer.json()["deleted"]) == (200, True)
    assert tables_with(tmp_path, SECRET_WORD) == set()
    assert bytes_with(tmp_path, SECRET_WORD) == []
    assert tables_with(tmp_path, BATCH) == counting
    assert (await api.request("DELETE", PATH, params=ERASED)).status_code == 404


async def test_others_keep_theirs(api: httpx.AsyncClient, services: Services) -> None:
    """Another batch's create call, upload and note of a delivery stay."""
    await a_traced_batch(services)
    creation = Creation(name="other", request="r", retries=0, object_id=an_id(50), at=AT)
    await services.stores.creations.put(creation, None)
    await services.stores.uploads.insert(an_upload(51, owner="default"))
    await api.request("DELETE", PATH, params=ERASED)

    assert [each async for each in services.stores.creations.every()] == [creation]
    assert await services.stores.uploads.get("default", an_id(51)) is not None


async def test_what_was_cut_off_can_be_repeated(api: httpx.AsyncClient, services: Services, tmp_path: Path) -> None:
    """Files and rows are gone, the record is not yet: the second call does the rest."""
    await a_traced_batch(services)
    await services.stores.files.delete("default", INPUT)
    await services.stores.chunks.delete_all(BATCH)
    await services.stores.blobs.delete(result_blob(BATCH, "output"))

    assert (await api.request("DELETE", PATH, params=ERASED)).status_code == 200
    assert tables_with(tmp_path, SECRET_WORD) == set()


@pytest.mark.parametrize("files", ["none", "results"])
async def test_files_go_with_it(api: httpx.AsyncClient, services: Services, files: str) -> None:
    """To keep some and to erase is a contradiction, and a mistake that could not be mended."""
    await a_traced_batch(services)
    error = (await api.request("DELETE", PATH, params={**ERASED, "files": files})).json()["error"]

    assert (error["param"], error["code"]) == ("files", "invalid_value")
    assert await services.stores.batches.get("default", BATCH) is not None
    assert (await api.request("DELETE", PATH, params={**ERASED, "files": "all"})).status_code == 200


async def test_what_runs_is_not_erased(api: httpx.AsyncClient, services: Services) -> None:
    """As for deleting; nothing has gone."""
    batch = await a_whole_batch(services, usage_owed=True)
    assert (await api.request("DELETE", PATH, params=ERASED)).status_code == 409
    assert await services.stores.chunks.list(batch.id) == [ChunkRow(batch_id=BATCH, index=0)]
