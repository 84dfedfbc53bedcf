"""The nightly sweep on each back end: what it may remove when, and what it must leave when tables are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_host.stores.stores import open_stores
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.batches.batch import Status
from shared.domain.ids import new_id
from shared.services import Services
from shared.settings import Settings
from tests.contracts.conftest import fresh_names
from tests.contracts.samples import a_batch, a_file
from timers.sweep_orphans import sweep_orphans

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["local", "azurite"])
async def service(request, tmp_path):
    if request.param == "local":
        stores: Any = open_stores(tmp_path)
    else:
        stores = azure_stores_from_connection_string(request.getfixturevalue("azurite"), fresh_names())
    yield Services(settings=Settings(), stores=stores, upstream=None, webhook_sender=None)
    await stores.close()


async def sweep(service, days):
    """The night so many days later."""
    await sweep_orphans(replace(service, now=lambda: NOW + timedelta(days=days)))


async def names(service, prefix):
    return [name async for name in service.stores.blobs.names(prefix)]


def id_of(number):
    return new_id(NOW + timedelta(seconds=number), number.to_bytes(10, "big"))


async def a_stored_file(service, number, *, has_record=True):
    file = a_file(number, id=id_of(number), blob=f"files/{id_of(number)}")
    await service.stores.blobs.put(file.blob, b"x")
    if has_record:
        await service.stores.files.insert(file)
    return file


async def remains(service, number, **changes):
    batch = a_batch(number, id=id_of(number), **changes)
    await service.stores.batches.insert(batch)
    await service.stores.blobs.put(f"plans/{batch.id}", b"{}")
    await service.stores.blobs.append(f"journals/{batch.id}/000000", b"x")
    return batch


async def test_empty_tables_remove_nothing(service, caplog):
    """Lost, emptied or of another account: not after a year, and the log says what to do."""
    await a_stored_file(service, 1, has_record=False)
    await service.stores.blobs.put(f"plans/{id_of(2)}", b"{}")
    for days in (2, 40, 400):
        await sweep(service, days)
    assert len(await names(service, "")) == 2
    assert [(record.action, record.count) for record in caplog.records] == [("sweep_refused", 2)] * 3
    assert "If the tables were lost" in caplog.text


async def test_a_record_that_comes_back_keeps_its_bytes(service):
    """A table restored within the month: the note goes, and the month begins anew."""
    await a_stored_file(service, 1)
    file = await a_stored_file(service, 2, has_record=False)
    await sweep(service, 2)
    assert await names(service, "lost+found/") == [f"lost+found/orphans/files/{id_of(2)}/2026-03-03"]
    await service.stores.files.insert(file)
    await sweep(service, 20)
    assert await names(service, "lost+found/") == []
    await service.stores.files.delete(file.owner, file.id)
    await sweep(service, 40)
    assert len(await names(service, "files/")) == 2


async def test_a_lost_batch_keeps_plan_and_journal_for_a_month(service):
    """Paid answers are in it. Without its record it looks like one that has ended."""
    await a_stored_file(service, 1)
    await remains(service, 2, status=Status.COMPLETED)
    running = await remains(service, 3, input_blob="files/none")
    for days, left in ((2, 4), (31, 4), (33, 2)):
        await sweep(service, days)
        assert len(await names(service, "plans/") + await names(service, "journals/")) == left
    assert await names(service, "plans/") == [f"plans/{running.id}"]


async def test_blobs_that_are_not_ours_stay(service):
    """A name that is no id tells nothing: it is nobody's to remove, and stops no sweep."""
    await a_stored_file(service, 1)
    odd = ["files/f" + "f" * 31, "files/notes.txt", "plans/notes.txt", "journals/x/y"]
    for name in odd:
        await service.stores.blobs.put(name, b"x")
    for days in (2, 40):
        await sweep(service, days)
    assert set(odd) <= set(await names(service, ""))
