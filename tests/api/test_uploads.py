"""Files sent in parts: every state, every dialect, and callers who do it wrong (contract 1.5.8)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.files.receive_part import receive_part
from shared.domain.errors import InvalidRequest
from shared.domain.files.upload import CompletionAsked, UploadPart, UploadStatus
from shared.domain.files.upload_parts import MAX_PART_BYTES, MAX_PARTS
from shared.ports.base import BlobMissing
from shared.run.files.uploads import change_upload
from shared.services import Services, use
from shared.services import services as installed
from tests.api.harness import BLOCK_BYTES, LINE, MAX_FILE_BYTES, Clock
from tests.contracts.samples import START
from tests.with_stores import with_stores
from timers.expire_uploads import expire_uploads

Create = Callable[..., Awaitable[httpx.Response]]
VERSION = "?api-version=2024-10-21"
CONTENT = LINE * 60
CUT = BLOCK_BYTES * 2 + 100
PARTS = [CONTENT[:CUT], CONTENT[CUT : 2 * CUT], CONTENT[2 * CUT :]]


@pytest.fixture
def create_upload(api: httpx.AsyncClient) -> Create:
    """Create an upload with valid parameters, changed by `changes`; a value of `...` leaves the parameter out."""

    async def send(path: str = "/v1/uploads", **changes: Any) -> httpx.Response:
        body = {"filename": "in.jsonl", "purpose": "batch", "bytes": len(CONTENT), "mime_type": "application/jsonl"}
        merged = {key: value for key, value in (body | changes).items() if value is not ...}
        return await api.post(path, json=merged)

    return send


@pytest.fixture
async def upload(create_upload: Create) -> str:
    """The id of an open upload of CONTENT."""
    return str((await create_upload()).json()["id"])


@pytest.fixture
def add(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    async def send(upload_id: str, data: bytes, mount: str = "/v1", query: str = "") -> httpx.Response:
        files = {"data": ("upload", data, "application/octet-stream")}
        return await api.post(f"{mount}/uploads/{upload_id}/parts{query}", files=files)

    return send


Add = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def parts(upload: str, add: Add) -> list[str]:
    """The ids of CONTENT's parts, in order."""
    return [(await add(upload, data)).json()["id"] for data in PARTS]


async def complete(api: httpx.AsyncClient, upload: str, part_ids: list[str], **fields: Any) -> httpx.Response:
    return await api.post(f"/v1/uploads/{upload}/complete", json={"part_ids": part_ids} | fields)


async def cancel(api: httpx.AsyncClient, upload: str) -> httpx.Response:
    return await api.post(f"/v1/uploads/{upload}/cancel", headers={"content-type": "application/json"})


async def content(api: httpx.AsyncClient, upload: dict[str, Any]) -> bytes:
    return (await api.get(f"/v1/files/{upload['file']['id']}/content")).content


def message(response: httpx.Response) -> str:
    return str(response.json()["error"]["message"])


def leftovers(tmp_path: Path) -> list[str]:
    """Files of bytes in the stores' folder."""
    return [path.name for path in (tmp_path / "blobs").iterdir()]


async def test_a_new_upload_in_the_openai_dialect(create_upload: Create) -> None:
    """200, pending, one hour to live, no key `file` yet (contract 1.5.8, 1.7, 9.3)."""
    response = await create_upload()
    created = response.json()

    assert response.status_code == 200
    assert re.fullmatch("upload_[0-9a-f]{32}", created.pop("id"))
    assert created == {
        "object": "upload",
        "bytes": len(CONTENT),
        "created_at": 1767323045,
        "expires_at": 1767323045 + 3600,
        "filename": "in.jsonl",
        "purpose": "batch",
        "status": "pending",
    }


async def test_an_upload_in_azure_classic(api: httpx.AsyncClient, create_upload: Create, add: Add) -> None:
    """Ids that begin with the purpose, `Location`, `azure_block_id`, which completes as well as the part's id."""
    response = await create_upload(path=f"/openai/uploads{VERSION}", bytes=len(LINE))
    upload_id = response.json()["id"]
    part = (await add(upload_id, LINE, "/openai", VERSION)).json()
    done = await api.post(f"/openai/uploads/{upload_id}/complete{VERSION}", json={"part_ids": [part["azure_block_id"]]})

    assert (response.status_code, re.fullmatch("batch-[0-9a-f]{32}", upload_id) is not None) == (200, True)
    assert response.headers["location"] == f"/openai/uploads/{upload_id}{VERSION}"
    assert re.fullmatch("uplprt-[0-9a-f]{32}", part["id"])
    assert (part["upload_id"], len(base64.b64decode(part["azure_block_id"]))) == (upload_id, 16)
    assert (done.json()["status"], done.json()["file"]["bytes"]) == ("completed", len(LINE))


@pytest.mark.parametrize("mount", ["/v1", "/v1/openai", "/openai/v1"])
async def test_an_upload_made_in_one_dialect_goes_on_in_another(
    api: httpx.AsyncClient, create_upload: Create, add: Add, mount: str
) -> None:
    """Ids of every dialect are read by all."""
    upload_id = (await create_upload(path=f"{mount}/uploads", bytes=len(LINE))).json()["id"]
    part_id = (await add(upload_id, LINE, "/openai", VERSION)).json()["id"]

    assert (await complete(api, upload_id, [part_id])).json()["status"] == "completed"


async def test_a_part(upload: str, add: Add) -> None:
    """The object of contract 1.7, and nothing of Azure's."""
    part = (await add(upload, PARTS[0])).json()

    assert re.fullmatch("part_[0-9a-f]{32}", part.pop("id"))
    assert part == {"object": "upload.part", "created_at": 1767323045, "upload_id": upload}


async def test_a_completed_upload(api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock) -> None:
    """Completed, with a file that is there and lives as long as one sent in one call, from now on."""
    clock.advance(minutes=5)
    done = (await complete(api, upload, parts, md5=hashlib.md5(CONTENT).hexdigest())).json()

    assert (done["status"], done["file"]["filename"], done["file"]["bytes"]) == ("completed", "in.jsonl", len(CONTENT))
    assert done["file"]["expires_at"] == done["file"]["created_at"] + 2_592_000
    assert done["file"] == (await api.get(f"/v1/files/{done['file']['id']}")).json()
    assert await content(api, done) == CONTENT


async def test_an_upload_with_an_expiry(api: httpx.AsyncClient, create_upload: Create, add: Add) -> None:
    """`expires_after` is the file's, counted from its creation."""
    made = await create_upload(bytes=len(LINE), expires_after={"anchor": "created_at", "seconds": 3600})
    part = (await add(made.json()["id"], LINE)).json()["id"]
    file = (await complete(api, made.json()["id"], [part])).json()["file"]

    assert file["expires_at"] == file["created_at"] + 3600


async def test_the_order_of_the_list_counts(api: httpx.AsyncClient, upload: str, add: Add) -> None:
    """Parts sent at once and in any order make the file that `part_ids` spells."""
    sent = await asyncio.gather(*(add(upload, data) for data in reversed(PARTS)))
    done = await complete(api, upload, [response.json()["id"] for response in reversed(sent)])

    assert await content(api, done.json()) == CONTENT


async def test_a_part_sent_twice_does_no_harm(
    api: httpx.AsyncClient, upload: str, parts: list[str], add: Add, tmp_path: Path
) -> None:
    """An SDK that repeats a part whose answer was lost completes with the second; the first leaves nothing."""
    again = (await add(upload, PARTS[1])).json()["id"]
    done = await complete(api, upload, [parts[0], again, parts[2]])

    assert await content(api, done.json()) == CONTENT
    assert len(leftovers(tmp_path)) == sum(-(-len(data) // BLOCK_BYTES) for data in PARTS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"filename": ...}, "Missing required parameter: 'filename'."),
        ({"purpose": ...}, "Missing required parameter: 'purpose'."),
        ({"bytes": ...}, "Missing required parameter: 'bytes'."),
        ({"mime_type": ...}, "Missing required parameter: 'mime_type'."),
        ({"bytes": 0}, "Invalid 'bytes': integer below minimum value. Expected a value >= 1, but got 0 instead."),
        ({"bytes": "9"}, "Invalid type for 'bytes': expected an integer, but got a string instead."),
        ({"bytes": True}, "Invalid type for 'bytes': expected an integer, but got a boolean instead."),
        (
            {"bytes": MAX_FILE_BYTES + 1},
            f"File is too large. The limit is {MAX_FILE_BYTES} bytes: split the file over several batches.",
        ),
        ({"purpose": "vision", "bytes": 1 << 60}, "File is too large. The limit is 8589934592 bytes."),
        ({"filename": "in.txt"}, "Invalid file format for Batch API. Must be .jsonl"),
        (
            {"filename": "n" * 256},
            (
                "Invalid 'filename': string too long. Expected a string with maximum length 255, but got a string with "
                "length 256 instead."
            ),
        ),
        (
            {"purpose": "novel"},
            "'novel' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
        ),
        ({"expires_after": {"seconds": 3600}}, "Missing required parameter: 'expires_after.anchor'."),
        (
            {"expires_after": {"anchor": "created_at", "seconds": 3599}},
            (
                "Invalid 'expires_after.seconds': integer below minimum value. Expected a value >= 3600, but got 3599 "
                "instead."
            ),
        ),
    ],
)
async def test_uploads_that_could_never_be_completed(
    create_upload: Create, changes: dict[str, Any], expected: str
) -> None:
    """400 before the first byte is sent."""
    response = await create_upload(**changes)

    assert (response.status_code, message(response)) == (400, expected)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", "/parts"), ("POST", "/complete"), ("POST", "/cancel")]
)
@pytest.mark.parametrize("given", ["upload_nope", "upload_" + "0" * 32, "x"])
async def test_an_unknown_upload(api: httpx.AsyncClient, method: str, path: str, given: str) -> None:
    """404, and its name."""
    response = await api.request(method, f"/v1/uploads/{given}{path}")

    assert (response.status_code, message(response)) == (404, f"No such Upload object: {given}")


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        (lambda ids: ids[:2], (f"The parts add up to {2 * CUT} bytes, but the upload was created for {len(CONTENT)} bytes. "
                              "Name every part, or send the missing ones.")),
        (lambda ids: [*ids, ids[0]], "Invalid 'part_ids': a part is named twice. Name each part once, in order."),
        (lambda ids: [], "Invalid 'part_ids.length': integer below minimum value. Expected a value >= 1, but got 0 instead."),
        (lambda ids: [*ids, "part_nope"], ("Invalid 'part_ids': the upload has no part 'part_nope'. Use the ids that adding "
                                          "parts answered.")),
        (lambda ids: [*ids, 7], "Invalid type for 'part_ids': expected an array of strings, but got an integer instead."),
        (lambda ids: "x", "Invalid type for 'part_ids': expected an array, but got a string instead."),
        (lambda ids: None, "Missing required parameter: 'part_ids'."),
    ],
)  # fmt: skip
async def test_a_wrong_list_of_parts(
    api: httpx.AsyncClient, upload: str, parts: list[str], choose: Callable[[list[str]], Any], expected: str
) -> None:
    """400, and the right list completes afterwards."""
    response = await complete(api, upload, choose(parts))

    assert (response.status_code, message(response)) == (400, expected)
    assert await content(api, (await complete(api, upload, parts)).json()) == CONTENT


async def test_the_order_is_wrong(api: httpx.AsyncClient, upload: str, parts: list[str]) -> None:
    """The checksum finds it; then the right order completes."""
    md5 = hashlib.md5(CONTENT).hexdigest()
    swapped = await complete(api, upload, [parts[0], parts[2], parts[1]], md5=md5)
    done = await complete(api, upload, parts, md5=md5.upper())

    assert (swapped.status_code, swapped.json()["error"]["param"]) == (400, "md5")
    assert await content(api, done.json()) == CONTENT


async def test_another_uploads_part(api: httpx.AsyncClient, create_upload: Create, upload: str, add: Add) -> None:
    """Parts never cross uploads."""
    other = (await create_upload()).json()["id"]
    foreign = (await add(other, CONTENT)).json()["id"]

    assert "has no part" in message(await complete(api, upload, [foreign]))


@pytest.mark.parametrize("md5", ["", "zz", "d41d8cd98f00b204e9800998ecf8427", 7])
async def test_a_checksum_that_is_none(api: httpx.AsyncClient, upload: str, parts: list[str], md5: Any) -> None:
    """400; it is never skipped."""
    assert (await complete(api, upload, parts, md5=md5)).status_code == 400


async def test_a_refused_completion_takes_nothing_away(
    api: httpx.AsyncClient, upload: str, parts: list[str], add: Add
) -> None:
    """A broken part is sent again: the good ones, and those the refused list left out, are still there."""
    spare = (await add(upload, b"x" * len(PARTS[1]))).json()["id"]
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert (await complete(api, upload, [parts[0], spare, parts[2]], md5=md5)).status_code == 400
    last = (await add(upload, PARTS[2])).json()["id"]
    done = await complete(api, upload, [parts[0], parts[1], last], md5=md5)

    assert await content(api, done.json()) == CONTENT


async def test_a_batch_file_must_begin_with_an_object(
    api: httpx.AsyncClient, create_upload: Create, add: Add, tmp_path: Path
) -> None:
    """Contract 1.3, literal, once the bytes are there; there is no file, and cancelling removes the bytes."""
    upload_id = (await create_upload(bytes=9)).json()["id"]
    part = (await add(upload_id, b"not json\n")).json()["id"]
    response = await complete(api, upload_id, [part])

    assert response.status_code == 400
    assert message(response).startswith(
        "Invalid file format for Batch API. Must be .jsonl: line 1 begins with 'not json'. Write each request as one "
    )
    assert (await api.get("/v1/files")).json()["data"] == []
    assert (await cancel(api, upload_id)).json()["status"] == "cancelled"
    assert leftovers(tmp_path) == []


async def test_only_the_files_own_bytes_are_looked_at(api: httpx.AsyncClient, create_upload: Create, add: Add) -> None:
    """A part left out does not complete a first line."""
    upload_id = (await create_upload(bytes=1)).json()["id"]
    first, _ = [(await add(upload_id, data)).json()["id"] for data in (b"{", b"}\n")]

    assert (await complete(api, upload_id, [first])).status_code == 400


async def test_other_purposes_may_be_anything(api: httpx.AsyncClient, create_upload: Create, add: Add) -> None:
    """And live until they are deleted."""
    upload_id = (await create_upload(purpose="user_data", filename="a.bin", bytes=3)).json()["id"]
    done = (await complete(api, upload_id, [(await add(upload_id, b"\x00\xff\n")).json()["id"]])).json()

    assert (await content(api, done), done["file"]["expires_at"]) == (b"\x00\xff\n", None)


async def test_completing_again_answers_the_same(api: httpx.AsyncClient, upload: str, parts: list[str]) -> None:
    """An SDK that lost the answer gets it again; there is one file."""
    first, second = [(await complete(api, upload, parts)).json() for _ in range(2)]

    assert first == second
    assert len((await api.get("/v1/files")).json()["data"]) == 1


async def test_completing_at_once_makes_one_file(api: httpx.AsyncClient, upload: str, parts: list[str]) -> None:
    """However many do it, with the checksum or without."""
    md5 = hashlib.md5(CONTENT).hexdigest()
    answers = await asyncio.gather(*(complete(api, upload, parts, **extra) for extra in [{}, {"md5": md5}] * 4))

    assert {response.status_code for response in answers} == {200}
    assert len({response.json()["file"]["id"] for response in answers}) == 1
    assert len((await api.get("/v1/files")).json()["data"]) == 1
    assert await content(api, answers[0].json()) == CONTENT


async def test_completing_at_once_with_different_lists(
    api: httpx.AsyncClient, upload: str, parts: list[str], add: Add
) -> None:
    """One file of one list; whoever asked for the other is told."""
    other = (await add(upload, b"y" * len(PARTS[2]))).json()["id"]
    lists = [parts, [parts[0], parts[1], other]]
    answers = await asyncio.gather(*(complete(api, upload, part_ids) for part_ids in lists * 3))
    winners = {answer.json()["file"]["id"] for answer in answers if answer.status_code == 200}

    assert {answer.status_code for answer in answers} == {200, 409}
    assert len(winners) == 1 == len((await api.get("/v1/files")).json()["data"])
    won = next(index % 2 for index, answer in enumerate(answers) if answer.status_code == 200)
    assert (await api.get(f"/v1/files/{winners.pop()}/content")).content.endswith(b"y") == bool(won)


async def test_completing_again_with_other_parts(
    api: httpx.AsyncClient, upload: str, parts: list[str], add: Add
) -> None:
    """409, not to be repeated; the file stays as it is."""
    other = (await add(upload, b"y" * len(PARTS[2]))).json()["id"]
    done = (await complete(api, upload, parts)).json()
    response = await complete(api, upload, [parts[0], parts[1], other])

    assert (response.status_code, response.headers["x-should-retry"]) == (409, "false")
    assert await content(api, done) == CONTENT


async def test_a_deleted_file_does_not_come_back(api: httpx.AsyncClient, upload: str, parts: list[str]) -> None:
    """Completing once more says so."""
    done = (await complete(api, upload, parts)).json()
    await api.delete(f"/v1/files/{done['file']['id']}")
    again = (await complete(api, upload, parts)).json()

    assert (again["status"], again["file"]) == ("completed", None)
    assert (await api.get("/v1/files")).json()["data"] == []


async def test_cancel(api: httpx.AsyncClient, upload: str, parts: list[str], tmp_path: Path) -> None:
    """Cancelled, also the second time; the bytes are gone."""
    states = [(await cancel(api, upload)).json()["status"] for _ in range(2)]

    assert states == ["cancelled", "cancelled"]
    assert leftovers(tmp_path) == []


async def after_cancel(api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock) -> str:
    await cancel(api, upload)
    return "cancelled"


async def after_complete(api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock) -> str:
    await complete(api, upload, parts)
    return "completed"


async def after_an_hour(api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock) -> str:
    clock.advance(hours=1)
    return "expired"


async def after_a_sweep(api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock) -> str:
    clock.advance(hours=1)
    await expire_uploads(installed())
    return "expired"


ENDS = [after_cancel, after_complete, after_an_hour, after_a_sweep]


@pytest.mark.parametrize("end", ENDS)
async def test_no_part_after_the_end(
    api: httpx.AsyncClient, upload: str, parts: list[str], add: Add, clock: Clock, end: Any
) -> None:
    """409, not to be repeated, naming the status."""
    status = await end(api, upload, parts, clock)
    response = await add(upload, PARTS[0])

    assert (response.status_code, response.headers["x-should-retry"]) == (409, "false")
    assert message(response) == f"Parts cannot be added to an upload with status '{status}'. Create a new upload."
    assert (await api.get(f"/v1/uploads/{upload}")).json()["status"] == status


@pytest.mark.parametrize("end", [after_cancel, after_an_hour, after_a_sweep])
async def test_no_completion_after_the_end(
    api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock, end: Any
) -> None:
    """409; no file."""
    status = await end(api, upload, parts, clock)
    response = await complete(api, upload, parts)

    assert response.status_code == 409
    assert message(response) == f"It is too late to complete an upload with status '{status}'. Create a new upload."
    assert (await api.get("/v1/files")).json()["data"] == []


@pytest.mark.parametrize("end", [after_complete, after_an_hour, after_a_sweep])
async def test_no_cancel_after_the_end(
    api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock, end: Any
) -> None:
    """409; a completed upload keeps its file."""
    status = await end(api, upload, parts, clock)
    response = await cancel(api, upload)

    assert response.status_code == 409
    assert len((await api.get("/v1/files")).json()["data"]) == (status == "completed")


@pytest.mark.parametrize("data", [b""])
async def test_an_empty_part(upload: str, add: Add, data: bytes) -> None:
    """400: no block can be empty."""
    assert message(await add(upload, data)) == "Missing required parameter: 'data'."


async def test_a_part_in_the_wrong_field(api: httpx.AsyncClient, upload: str) -> None:
    """The right one is named."""
    response = await api.post(f"/v1/uploads/{upload}/parts", files={"file": ("a", b"x")})

    assert (response.status_code, message(response)) == (400, "The file must be in the form field 'data'.")


async def test_a_part_that_is_no_form(api: httpx.AsyncClient, upload: str) -> None:
    """400 and what to send instead."""
    response = await api.post(f"/v1/uploads/{upload}/parts", content=b"x" * 5000)

    assert (response.status_code, "multipart/form-data" in message(response)) == (400, True)


async def test_parts_have_a_largest_size(upload: str, services: Services) -> None:
    """The limit itself is inside; that of the service is contract 1.5.8's."""
    stored = await services.stores.uploads.get("default", upload.removeprefix("upload_"))
    assert stored

    async def send(size: int) -> UploadPart:
        form = httpx.Request("POST", "http://service", files={"data": b"x" * size})
        return await receive_part(services, stored, form.headers["content-type"], pieces(form.read()), most_bytes=2000)

    assert (await send(2000)).bytes == 2000
    with pytest.raises(InvalidRequest, match="The part is too large. The limit is 2000 bytes"):
        await send(2001)
    assert MAX_PART_BYTES == 64 << 20


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


async def test_an_upload_takes_so_many_bytes(create_upload: Create, add: Add) -> None:
    """Repeated parts are allowed for, a flood is not."""
    upload_id = (await create_upload(bytes=10)).json()["id"]
    answers = [(await add(upload_id, b"x" * 10)).status_code for _ in range(6)]

    assert answers == [200] * 5 + [400]


async def test_an_upload_takes_so_many_parts(services: Services, create_upload: Create, add: Add) -> None:
    """400, and what to do."""
    upload_id = (await create_upload(bytes=9000)).json()["id"]
    await add(upload_id, b"x")
    canonical = upload_id.removeprefix("upload_")
    (part,) = await services.stores.uploads.list_parts(canonical)
    fill = [type(part)(**{**_fields(part), "id": f"{index:032x}"}) for index in range(MAX_PARTS - 1)]
    await asyncio.gather(*(services.stores.uploads.put_part(one) for one in fill))

    assert "Send larger parts" in message(await add(upload_id, b"x"))


def _fields(part: Any) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__struct_fields__}


class Interrupting:
    """A blob store that does something when the first block arrives."""

    def __init__(self, inner: Any, deed: Callable[[], Awaitable[Any]]) -> None:
        self._inner = inner
        self._deed = deed
        self._done = False

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        await self._inner.stage_block(name, block_id, data)
        if not self._done:
            self._done = True
            await self._deed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_a_part_on_its_way_while_a_completion_is_refused(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str], add: Add
) -> None:
    """Its first blocks may be lost, so it is not answered as there: 503, and sending it again works."""

    async def refused() -> None:
        assert (await complete(api, upload, parts, md5="0" * 32)).status_code == 400

    with use(with_stores(services, blobs=Interrupting(services.stores.blobs, refused))):
        response = await add(upload, PARTS[1])
    again = (await add(upload, PARTS[1])).json()["id"]
    done = await complete(api, upload, [parts[0], again, parts[2]])

    assert response.status_code == 503
    assert await content(api, done.json()) == CONTENT


@pytest.mark.parametrize("deed", ["complete", "cancel"])
async def test_a_part_on_its_way_while_the_upload_ends(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str], add: Add, deed: str
) -> None:
    """409, and the file is not disturbed."""

    async def end() -> None:
        response = await (complete(api, upload, parts) if deed == "complete" else cancel(api, upload))
        assert response.status_code == 200

    with use(with_stores(services, blobs=Interrupting(services.stores.blobs, end))):
        response = await add(upload, PARTS[1])

    assert response.status_code == 409
    assert len(await services.stores.uploads.list_parts(upload.removeprefix("upload_"))) == len(PARTS)


async def test_a_part_cut_off_is_no_part(api: httpx.AsyncClient, services: Services, upload: str) -> None:
    """400, and nothing is recorded."""
    headers = {"content-type": "multipart/form-data; boundary=XX"}
    body = b'--XX\r\ncontent-disposition: form-data; name="data"; filename="a"\r\n\r\n' + b"x" * 5000
    response = await api.post(f"/v1/uploads/{upload}/parts", content=body, headers=headers)

    assert response.status_code == 400
    assert await services.stores.uploads.list_parts(upload.removeprefix("upload_")) == []


async def the_upload(services: Services, upload: str) -> Any:
    stored = await services.stores.uploads.get("default", upload.removeprefix("upload_"))
    assert stored is not None
    return stored.value


class CutOff(Exception):
    """The process dies here."""


class DyingFiles:
    """A file store that dies before its first insert."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def insert(self, file: Any) -> None:
        raise CutOff

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@pytest.mark.parametrize("how", ["again", "sweep"])
async def test_a_completion_cut_off_behind_its_decision_comes_to_its_end(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str], clock: Clock, how: str
) -> None:
    """By being asked again, or by the sweep; it is pending meanwhile, and can no longer be cancelled."""
    with use(with_stores(services, files=DyingFiles(services.stores.files))):
        assert (await complete(api, upload, parts)).status_code == 500
    assert (await api.get(f"/v1/uploads/{upload}")).json()["status"] == "pending"
    assert (await cancel(api, upload)).status_code == 409
    clock.advance(hours=2)
    await (complete(api, upload, parts) if how == "again" else expire_uploads(installed()))

    done = (await api.get(f"/v1/uploads/{upload}")).json()
    assert done["status"] == "completed"
    assert await content(api, done) == CONTENT


async def test_a_check_cut_off_is_taken_over(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str], add: Add, clock: Clock
) -> None:
    """Parts are told to come again, until someone completes or cancels."""
    await change_upload(services, await the_upload(services, upload), CompletionAsked(("x",)))

    assert (await add(upload, PARTS[0])).status_code == 503
    assert (await complete(api, upload, parts)).status_code == 200


async def test_cancelled_while_it_is_checked(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str], tmp_path: Path
) -> None:
    """Whoever completes is told; no file, no bytes."""

    class CancellingBlobs(Interrupting):
        def read(self, *arguments: Any) -> Any:
            async def nothing_left() -> Any:
                await cancel(api, upload)
                raise BlobMissing
                yield b""

            return nothing_left()

    async def nothing() -> None: ...

    with use(with_stores(services, blobs=CancellingBlobs(services.stores.blobs, nothing))):
        response = await complete(api, upload, parts)

    assert response.status_code == 400
    assert (await the_upload(services, upload)).status is UploadStatus.CANCELLED
    assert ((await api.get("/v1/files")).json()["data"], leftovers(tmp_path)) == ([], [])


async def test_the_sweep_frees_the_bytes_and_later_the_record(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str], clock: Clock, tmp_path: Path
) -> None:
    """Bytes when the hour is over; for a day the upload is `expired`, then it is gone with its parts."""
    await expire_uploads(installed())
    assert leftovers(tmp_path)
    clock.advance(hours=1)
    await expire_uploads(installed())
    assert leftovers(tmp_path) == []
    assert (await api.get(f"/v1/uploads/{upload}")).json()["status"] == "expired"
    clock.advance(days=1)
    await expire_uploads(installed())
    assert (await api.get(f"/v1/uploads/{upload}")).status_code == 404
    assert await services.stores.uploads.list_parts(upload.removeprefix("upload_")) == []


async def test_the_sweep_leaves_completed_files_alone(
    api: httpx.AsyncClient, upload: str, parts: list[str], clock: Clock
) -> None:
    """The upload's record goes, the file stays."""
    done = (await complete(api, upload, parts)).json()
    clock.advance(days=2)
    await expire_uploads(installed())

    assert (await api.get(f"/v1/uploads/{upload}")).status_code == 404
    assert await content(api, done) == CONTENT


async def test_a_part_whose_blocks_are_gone_disturbs_nobody_else(
    api: httpx.AsyncClient, services: Services, upload: str, parts: list[str]
) -> None:
    """What a crash between two stores leaves: the others complete, and naming it says what to do."""
    stray = UploadPart(
        id="1" * 32, upload_id=upload.removeprefix("upload_"), bytes=len(CONTENT), blocks=1, created_at=START
    )
    await services.stores.uploads.put_part(stray)
    md5 = hashlib.md5(CONTENT).hexdigest()
    refused = await complete(api, upload, [f"part_{stray.id}"])
    done = await complete(api, upload, parts, md5=md5)

    assert refused.status_code == 400
    assert message(refused) == "A part of the upload is no longer there. Create a new upload, and send all parts again."
    assert await content(api, done.json()) == CONTENT


class SlowBlobs:
    """A blob store that takes its time, and counts what it is still doing."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.busy = 0

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        self.busy += 1
        await asyncio.sleep(0.05)
        await self._inner.stage_block(name, block_id, data)
        self.busy -= 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_a_refused_part_leaves_nothing_running(api: httpx.AsyncClient, services: Services, upload: str) -> None:
    """The answer comes when all is quiet."""
    body = b'--XX\r\ncontent-disposition: form-data; name="data"; filename="a"\r\n\r\n' + b"x" * 5000
    headers = {"content-type": "multipart/form-data; boundary=XX"}
    blobs = SlowBlobs(services.stores.blobs)
    with use(with_stores(services, blobs=blobs)):
        response = await api.post(f"/v1/uploads/{upload}/parts", content=body, headers=headers)

    assert (response.status_code, blobs.busy) == (400, 0)
