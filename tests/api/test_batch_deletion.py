"""`DELETE batches/{id}`: what has ended goes, files by choice; what it used stays."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.domain.batches.batch import TERMINAL, Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.keys.project import default_project
from shared.domain.keys.scopes import Scope
from shared.services import Services, use
from tests.api.made_keys import make_key, with_peppers
from tests.contracts.samples import a_batch, a_file, a_ledger_row, an_id

BATCH, INPUT, OUTPUT, ERRORS = an_id(1), an_id(2), an_id(3), an_id(4)
PATH = f"/v1/batches/batch_{BATCH}"


async def a_whole_batch(services: Services, **changes: Any) -> Batch:
    """With three files, a chunk row, and a row in the ledger."""
    for file_id in (INPUT, OUTPUT, ERRORS):
        await services.stores.blobs.put(f"files/{file_id}", b"{}")
        await services.stores.files.insert(a_file(owner="default", id=file_id, blob=f"files/{file_id}"))
    values: dict[str, Any] = {
        "id": BATCH,
        "owner": "default",
        "input_file_id": INPUT,
        "output_file_id": OUTPUT,
        "error_file_id": ERRORS,
        "status": Status.COMPLETED,
    }
    batch = a_batch(1, **values | changes)
    await services.stores.batches.insert(batch)
    await services.stores.chunks.put(ChunkRow(batch_id=BATCH, index=0), None)
    await services.stores.usage.write([a_ledger_row(1, project="default")])
    return batch


async def files_left(services: Services) -> list[str]:
    """Records and bytes are both there or both gone."""
    files = [file_id for file_id in (INPUT, OUTPUT, ERRORS) if await services.stores.files.get("default", file_id)]
    assert [name async for name in services.stores.blobs.names("files/")] == [f"files/{file_id}" for file_id in files]
    return files


@pytest.mark.parametrize(
    ("files", "left"),
    [(None, [INPUT, OUTPUT, ERRORS]), ("none", [INPUT, OUTPUT, ERRORS]), ("results", [INPUT]), ("all", [])],
)
async def test_what_goes(api: httpx.AsyncClient, services: Services, files: str | None, left: list[str]) -> None:
    """Record and rows always, files by choice, the ledger never."""
    batch = await a_whole_batch(services)
    answer = await api.request("DELETE", PATH, params={"files": files} if files else {})

    assert answer.status_code == 200
    assert answer.json() == {"id": f"batch_{BATCH}", "object": "batch.deleted", "deleted": True}
    assert (await api.get(PATH)).status_code == 404
    assert (await api.request("DELETE", PATH)).status_code == 404
    assert await services.stores.chunks.list(batch.id) == []
    assert await files_left(services) == left
    row = a_ledger_row(1, project="default")
    assert [one async for one in services.stores.usage.rows(row.hour.start)] == [row]


@pytest.mark.parametrize("status", sorted(set(Status) - TERMINAL))
async def test_what_runs_stays(api: httpx.AsyncClient, services: Services, status: Status) -> None:
    """409, that nobody repeats; nothing has gone, files neither."""
    await a_whole_batch(services, status=status)
    answer = await api.request("DELETE", PATH, params={"files": "all"})

    assert answer.status_code == 409
    assert answer.headers["x-should-retry"] == "false"
    assert f"'{status}'. Cancel it" in answer.json()["error"]["message"]
    assert await services.stores.batches.get("default", BATCH) is not None
    assert len(await services.stores.chunks.list(BATCH)) == 1
    assert len(await files_left(services)) == 3


async def test_what_owes_the_ledger_stays(api: httpx.AsyncClient, services: Services) -> None:
    """Its chunk rows are what the ledger is written from."""
    await a_whole_batch(services, usage_owed=True)
    answer = await api.request("DELETE", PATH)

    assert answer.status_code == 409
    assert "ten minutes" in answer.json()["error"]["message"]
    assert len(await services.stores.chunks.list(BATCH)) == 1


async def test_a_choice_that_there_is_not(api: httpx.AsyncClient, services: Services) -> None:
    """400 that names the parameter and the choices."""
    await a_whole_batch(services)
    error = (await api.request("DELETE", PATH, params={"files": "some"})).json()["error"]

    assert error["param"] == "files"
    assert all(word in error["message"] for word in ("none", "results", "all"))
    assert len(await services.stores.chunks.list(BATCH)) == 1


async def test_files_need_their_own_scope(api: httpx.AsyncClient, services: Services) -> None:
    """A key that may not delete files deletes none on this way."""
    await a_whole_batch(services)
    with use(with_peppers(services)) as service:
        project = default_project(service.now())
        key = await make_key(service, project, scopes=(Scope.BATCHES_WRITE, Scope.BATCHES_READ))
        refused = await api.request("DELETE", PATH, headers=key.headers, params={"files": "results"})
        assert refused.status_code == 403
        assert len(await files_left(services)) == 3
        assert (await api.request("DELETE", PATH, headers=key.headers)).status_code == 200
