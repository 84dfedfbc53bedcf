"""The output of a batch as a file before its end: shown to who asks for it, read in order, and past a line."""

from __future__ import annotations

import httpx
import msgspec
import pytest

from shared.domain.batches.chunk import result_blob
from shared.domain.batches.early_output import batch_promised_by, early_output_id
from shared.domain.files.file import RESULT_PURPOSE, File
from shared.services import Services, use
from tests.api.made_keys import make_key, make_project, with_peppers
from tests.api.test_results_route import Running, line, running

__all__ = ["running"]
EARLY = {"x-early-output": "true"}
AZURE = {"api-version": "2025-04-01-preview"}


def told(answer: httpx.Response) -> tuple[list[str], str | None, str | None]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream"), answer.text
    found = [msgspec.json.decode(each)["custom_id"] for each in answer.content.splitlines()]
    return found, answer.headers.get("x-incomplete"), answer.headers.get("x-last-line")


def test_the_early_id_leads_to_its_batch() -> None:
    """Both ways, and to nothing else."""
    batch_id = "019b7ca98c8875c19bf53b1265232fde"
    assert early_output_id(batch_id) != batch_id
    assert batch_promised_by(early_output_id(batch_id)) == batch_id


@pytest.mark.parametrize("prefix", ["v1", "v1/openai", "batch-api/v1", "openai/v1", "openai"])
async def test_the_output_of_a_running_batch_is_read_by_its_id(
    api: httpx.AsyncClient, running: Running, prefix: str
) -> None:
    """Only the succeeded, up to the first that has not finished; the last line is the next offset."""
    path = (await running(1, 2, 3, 4, 6, failed=(2,))).removeprefix("/v1/").removesuffix("/results")
    shown = await api.get(f"/{prefix}/{path}", headers=EARLY, params=AZURE)
    file_id = shown.json()["output_file_id"]
    content = f"/{prefix}/files/{file_id}/content"
    assert told(await api.get(content, params=AZURE)) == (["c1", "c3", "c4"], "true", "4")
    assert told(await api.get(content, params=AZURE | {"offset": "3"})) == (["c4"], "true", "4")
    assert told(await api.get(content, params=AZURE | {"offset": "4"})) == ([], "true", "4")


async def test_nobody_else_sees_it_early(api: httpx.AsyncClient, running: Running) -> None:
    """Not without the header, not in lists; the file itself is unknown as ever."""
    path = (await running(1)).removesuffix("/results")
    assert (await api.get(path)).json()["output_file_id"] is None
    file_id = (await api.get(path, headers=EARLY)).json()["output_file_id"]
    listed = (await api.get("/v1/batches", headers=EARLY)).json()["data"]
    assert file_id not in [batch["output_file_id"] for batch in listed]
    assert (await api.get(f"/v1/files/{file_id}")).status_code == 404
    assert (await api.head(f"/v1/files/{file_id}/content")).status_code == 404


async def test_another_projects_output_is_unknown(api: httpx.AsyncClient, running: Running, services: Services) -> None:
    """By its early id as by any other."""
    path = (await running(1)).removesuffix("/results")
    file_id = (await api.get(path, headers=EARLY)).json()["output_file_id"]
    with use(service := with_peppers(services)):
        key = await make_key(service, await make_project(service))
        for offset in ({}, {"offset": "1"}):
            answer = await api.get(f"/v1/files/{file_id}/content", params=offset, headers=key.headers)
            assert answer.status_code == 404


async def test_after_the_end_both_ids_go_on(api: httpx.AsyncClient, running: Running, services: Services) -> None:
    """What the follower has not read comes at once; past the end there is nothing, and a wrong offset is refused."""
    path = (await running(1, 2, 3)).removesuffix("/results")
    early = (await api.get(path, headers=EARLY)).json()["output_file_id"]
    batch_id = path.rpartition("_")[2]
    stored = await services.stores.batches.get("default", batch_id)
    assert stored
    blobs, now = services.stores.blobs, services.now()
    output = File(
        id=f"{int(batch_id, 16) ^ 4:032x}",
        owner="default",
        filename="o",
        purpose=RESULT_PURPOSE,
        bytes=9,
        created_at=now,
        expires_at=None,
        blob=result_blob(batch_id, "output"),
    )
    await services.stores.files.insert(output)
    await blobs.put(output.blob, b"".join(line(n) + b"\n" for n in (1, 3)))
    await blobs.put(result_blob(batch_id, "error"), line(2) + b"\n")
    await blobs.put("files/requests", b"".join(line(n) + b"\n" for n in (1, 2, 3)))
    changes = {"status": "completed", "output_file_id": output.id, "error_file_id": output.id}
    batch = msgspec.structs.replace(stored.value, input_blob="files/requests", **changes)
    await services.stores.batches.replace(msgspec.convert(msgspec.to_builtins(batch), type(batch)), stored.version)

    for file_id in (early, f"file-{output.id}"):
        content = f"/v1/files/{file_id}/content"
        assert told(await api.get(content))[0] == ["c1", "c3"]
        assert told(await api.get(content, params={"offset": "1"})) == (["c3"], "false", None)
        assert told(await api.get(content, params={"offset": "3"})) == ([], "false", None)
        assert (await api.get(content, params={"offset": "-1"})).status_code == 400
    await blobs.delete("files/requests")
    assert (await api.get(content, params={"offset": "1"})).status_code == 409


@pytest.mark.parametrize(("asked", "kept"), [({}, "neighbours"), ({"leaders_first": False}, False)])
async def test_lines_of_who_reads_early_stay_near_their_place(
    api: httpx.AsyncClient, asked: dict[str, bool], kept: bool | str
) -> None:
    """Where they would travel, nothing would be in order before the end."""
    body = {"input_file_id": "file-unknown", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    answer = await api.post("/v1/batches", json=body | asked, headers=EARLY)

    assert answer.json()["leaders_first"] == kept
