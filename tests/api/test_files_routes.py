"""Upload, list, retrieve, delete and download, through every dialect."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from local_host.http.http_server import build_app, compile_routes
from shared.domain.batches.batch import Refused
from shared.domain.errors import Unavailable
from shared.domain.files.file import File
from shared.run.batches.change import change
from shared.run.input.input_bytes import drop_orphaned_input
from shared.services import Services, use
from tests.api.harness import KEY, LINE, MAX_FILE_BYTES, Clock, app_index
from tests.with_stores import with_stores

Upload = Callable[..., Awaitable[httpx.Response]]
VERSION = "?api-version=2024-10-21"
DAYS_30 = 2_592_000


def leftovers(tmp_path: Path) -> list[str]:
    """Files of bytes in the stores' folder."""
    return [path.name for path in (tmp_path / "blobs").iterdir()]


async def test_an_uploaded_file_in_the_openai_dialect(upload: Upload) -> None:
    """200 and the whole object, `processed` at once, 30 days to live (contract 1.5.1, 1.7)."""
    response = await upload()
    file = response.json()

    assert response.status_code == 200
    assert re.fullmatch("file-[0-9A-Za-z]{22}", file.pop("id"))
    assert file == {
        "object": "file",
        "bytes": len(LINE),
        "created_at": 1767323045,
        "expires_at": 1767323045 + DAYS_30,
        "filename": "in.jsonl",
        "purpose": "batch",
        "status": "processed",
        "status_details": None,
    }


async def test_an_uploaded_file_in_azure_classic(upload: Upload) -> None:
    """201 with `Location` and an id of 32 hex digits (contract 1.4, 1.5.1, 1.7)."""
    response = await upload(path=f"/openai/files{VERSION}")
    file = response.json()

    assert response.status_code == 201
    assert response.headers["location"] == f"/openai/files/{file['id']}{VERSION}"
    assert re.fullmatch("file-[0-9a-f]{32}", file["id"])


async def test_an_uploaded_file_in_azure_v1(upload: Upload) -> None:
    """200 without `Location` (contract 1.4)."""
    response = await upload(path="/openai/v1/files")

    assert response.status_code == 200
    assert "location" not in response.headers
    assert re.fullmatch("file-[0-9a-f]{32}", response.json()["id"])


async def test_old_sdks_put_the_deployment_into_the_path(upload: Upload) -> None:
    """Tolerated, and read by nobody (contract 6.3, 9.1 no. 1)."""
    assert (await upload(path=f"/openai/deployments/gpt/files{VERSION}")).status_code == 201


@pytest.mark.parametrize("path", ["/v1/files/{}", "/openai/v1/files/{}", "/openai/files/{}" + VERSION])
async def test_a_file_is_found_through_every_dialect(api: httpx.AsyncClient, upload: Upload, path: str) -> None:
    """Ids of one dialect work in the others."""
    for mount in ("/v1/files", "/openai/v1/files"):
        file_id = (await upload(path=mount)).json()["id"]

        assert (await api.get(path.format(file_id))).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"},
        {"expires_after.anchor": "created_at", "expires_after.seconds": "3600"},
    ],
)
async def test_expiry_in_both_spellings(upload: Upload, fields: dict[str, str]) -> None:
    """Brackets from SDKs, dots from Azure's documents (contract 1.5.1)."""
    file = (await upload(**fields)).json()

    assert file["expires_at"] == file["created_at"] + 3600


async def test_other_purposes_do_not_expire(upload: Upload) -> None:
    """Only batch files have an expiry of their own (contract 1.5.1)."""
    assert (await upload(purpose="user_data", name="a.pdf")).json()["expires_at"] is None


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 4096, 9_000])
async def test_content_comes_back_as_it_was_sent(api: httpx.AsyncClient, upload: Upload, size: int) -> None:
    """Around every block border."""
    content = b"{}\n" + bytes(range(256)) * 40
    file = (await upload(content[: size + 2])).json()
    response = await api.get(f"/v1/files/{file['id']}/content")

    assert response.content == content[: size + 2]
    assert response.headers["content-length"] == str(size + 2) == str(file["bytes"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": b""}, "Invalid file format for Batch API. Must be .jsonl: the file is empty."),
        (
            {"content": "{}".encode("utf-16")},
            "Invalid file for Batch API. Must be utf-8 encoded: this is UTF-16. Save it as UTF-8.",
        ),
        ({"name": "in.txt"}, "Invalid file format for Batch API. Must be .jsonl"),
        (
            {"purpose": "vector_store"},
            (
                "'vector_store' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] "
                "- 'purpose'"
            ),
        ),
        (
            {"content": LINE * 200},
            "File is too large. The limit is 10000 bytes: split the file over several batches.",
        ),
    ],
)
async def test_refused_uploads_leave_nothing(
    api: httpx.AsyncClient, upload: Upload, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """400 with the literal of contract 1.3; no record, no bytes."""
    response = await upload(**changes)

    assert (response.status_code, response.json()["error"]["message"]) == (400, message)
    assert (await api.get("/v1/files")).json()["data"] == []
    assert leftovers(tmp_path) == []


async def test_a_file_of_the_largest_size_is_accepted(upload: Upload) -> None:
    """The limit itself is inside."""
    content = LINE + b" " * (MAX_FILE_BYTES - len(LINE))

    assert (await upload(content)).json()["bytes"] == MAX_FILE_BYTES


async def test_an_upload_without_a_file(api: httpx.AsyncClient) -> None:
    """The missing field is named."""
    response = await api.post("/v1/files", files={"purpose": (None, b"batch")})

    assert response.json()["error"]["message"] == "Missing required parameter: 'file'."


async def test_an_upload_that_is_no_form(api: httpx.AsyncClient) -> None:
    """400 and what to send instead."""
    response = await api.post("/v1/files", json={"purpose": "batch"})

    assert (response.status_code, "multipart/form-data" in response.text) == (400, True)


async def send_raw(pieces: list[bytes], *, lost: bool) -> int:
    """An upload whose body is `pieces`; then the connection is lost, or the body ends. The status answered."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.disconnect"} if lost else {"type": "http.request", "body": b"", "more_body": False})
    answered: list[int] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    headers = [(b"content-type", b"multipart/form-data; boundary=XX"), (b"api-key", KEY.encode())]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/files", "raw_path": b"/v1/files", "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("service", 80), "root_path": "",
    }  # fmt: skip
    await build_app(compile_routes(app_index().http), "{}")(scope, receive, send)
    return answered[0]


FORM = (
    b'--XX\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--XX\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n' + LINE * 60 + b"\r\n--XX--\r\n"
)


@pytest.mark.parametrize("lost", [True, False], ids=["connection lost", "body ends"])
@pytest.mark.parametrize("cut", [*range(0, len(FORM) - 4, 701), len(FORM) - 5])
async def test_an_upload_cut_off_leaves_nothing(services: Services, tmp_path: Path, cut: int, lost: bool) -> None:
    """Wherever the body stops: 400, no record, no staged block."""
    body = FORM[:cut]
    status = await send_raw([body[start : start + 700] for start in range(0, cut, 700)], lost=lost)

    assert status == 400
    assert await services.stores.files.list("default", limit=10) == []
    assert leftovers(tmp_path) == []


async def test_an_upload_in_many_pieces_is_whole(services: Services) -> None:
    """The same form uncut is accepted, however the network cuts it."""
    assert await send_raw([FORM[start : start + 11] for start in range(0, len(FORM), 11)], lost=False) == 200


class FailingBlobs:
    """A blob store that takes some blocks and then is down."""

    def __init__(self, inner: Any, blocks: int) -> None:
        self._inner = inner
        self._blocks = blocks

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        self._blocks -= 1
        if self._blocks < 0:
            raise Unavailable("The storage does not answer. Try again.")
        await self._inner.stage_block(name, block_id, data)

    async def delete(self, name: str) -> bool:
        return await self._inner.delete(name)


@pytest.mark.parametrize("blocks", [0, 1, 3])
async def test_a_store_that_fails_during_an_upload(
    services: Services, upload: Upload, tmp_path: Path, blocks: int
) -> None:
    """503, and the blocks staged before are removed."""
    with use(with_stores(services, blobs=FailingBlobs(services.stores.blobs, blocks))):
        response = await upload(LINE * 100)

    assert (response.status_code, leftovers(tmp_path)) == (503, [])


@pytest.mark.parametrize(
    "name",
    ["日本語 ✓.jsonl", 'quo"te.jsonl', "semi;colon.jsonl", "back\\slash.jsonl", "per%22cent.jsonl", "../../x.jsonl"],
)
async def test_a_filename_survives_the_round_trip(api: httpx.AsyncClient, upload: Upload, name: str) -> None:
    """It is shown as the client's form encoding left it, and the download header parses back to it (RFC 6266)."""
    file = (await upload(name=name)).json()
    header = (await api.get(f"/v1/files/{file['id']}/content")).headers["content-disposition"]
    plain, _, extended = header.partition("; filename*=UTF-8''")

    assert re.fullmatch(r'attachment; filename="[^"\\]*"', plain)
    assert unquote(extended) == file["filename"]


async def test_a_hostile_filename_cannot_end_the_header(
    api: httpx.AsyncClient, services: Services, upload: Upload
) -> None:
    """Line breaks and quotes of a record never reach the header as such."""
    file_id = (await upload()).json()["id"]
    stored = (await services.stores.files.list("default", limit=1))[0]
    await services.stores.files.delete("default", stored.id)
    await services.stores.files.insert(_renamed(stored, 'a"\r\nx-evil: 1\r\n\r\n\x00.jsonl'))
    response = await api.get(f"/v1/files/{file_id}/content")

    assert "x-evil" not in response.headers
    assert response.headers["content-disposition"].startswith('attachment; filename="a___x-evil: 1_____.jsonl"; ')


def _renamed(file: File, filename: str) -> File:
    return File(**{name: getattr(file, name) for name in file.__struct_fields__} | {"filename": filename})


async def test_the_whole_download(api: httpx.AsyncClient, upload: Upload) -> None:
    """Headers of a download (contract 1.5.4), whatever `Accept` says."""
    file_id = (await upload()).json()["id"]
    response = await api.get(f"/v1/files/{file_id}/content", headers={"accept": "application/binary"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["accept-ranges"] == "bytes"
    assert re.fullmatch('"[0-9a-f]{32}"', response.headers["etag"])


async def test_a_range_of_a_download(api: httpx.AsyncClient, upload: Upload) -> None:
    """206 with `Content-Range` and exactly those bytes."""
    file_id = (await upload(LINE * 50)).json()["id"]
    response = await api.get(f"/v1/files/{file_id}/content", headers={"range": "bytes=1000-2999"})

    assert response.status_code == 206
    assert response.content == (LINE * 50)[1000:3000]
    assert response.headers["content-range"] == f"bytes 1000-2999/{len(LINE) * 50}"
    assert response.headers["content-length"] == "2000"


async def test_a_range_outside_the_file(api: httpx.AsyncClient, upload: Upload) -> None:
    """416 and the file's size."""
    file_id = (await upload()).json()["id"]
    response = await api.get(f"/v1/files/{file_id}/content", headers={"range": "bytes=1000-"})

    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{len(LINE)}"


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "bytes=" + ",".join(["0-"] * 500), "nonsense"])
async def test_ranges_that_are_not_served_mean_the_whole_file(
    api: httpx.AsyncClient, upload: Upload, header: str
) -> None:
    """Many ranges of one file cost no more than the file."""
    file_id = (await upload()).json()["id"]

    assert (await api.get(f"/v1/files/{file_id}/content", headers={"range": header})).content == LINE


async def test_if_range_with_another_version_means_the_whole_file(api: httpx.AsyncClient, upload: Upload) -> None:
    """A resumed download of something else starts over."""
    file_id = (await upload()).json()["id"]
    headers = {"range": "bytes=5-", "if-range": '"other"'}

    assert (await api.get(f"/v1/files/{file_id}/content", headers=headers)).status_code == 200


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("path", ["/v1/files/{}/content", "/openai/files/{}/content" + VERSION])
async def test_lost_bytes_are_an_error_not_a_broken_download(
    api: httpx.AsyncClient, upload: Upload, tmp_path: Path, path: str, lost: int
) -> None:
    """Whichever of its blocks is gone from the disk: 500 in the dialect with a request id, for GET, ranges and HEAD."""
    file_id = (await upload(LINE * 30)).json()["id"]
    blocks = sorted((tmp_path / "blobs").iterdir())
    blocks[lost].unlink()
    url = path.format(file_id)
    answers = [await api.get(url), await api.get(url, headers={"range": "bytes=0-9"}), await api.head(url)]

    assert (len(blocks), [answer.status_code for answer in answers]) == (3, [500, 500, 500])
    assert answers[0].headers["x-request-id"] in answers[0].json()["error"]["message"]


async def test_a_file_whose_bytes_cannot_be_read_is_an_error(
    api: httpx.AsyncClient, services: Services, upload: Upload
) -> None:
    """The first piece is read before the status goes out."""
    file_id = (await upload()).json()["id"]

    class Unreadable:
        size = services.stores.blobs.size

        async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
            raise Unavailable("Blob Storage does not answer.")
            yield b""

    with use(with_stores(services, blobs=Unreadable())):
        answer = await api.get(f"/v1/files/{file_id}/content")

    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "Blob Storage does not answer.")


@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("DELETE", ""), ("GET", "/content")])
async def test_an_unknown_file_is_told_twice_at_openai(api: httpx.AsyncClient, method: str, suffix: str) -> None:
    """Recorded of the live service: a second key `detail` (contract 9.3). Azure's envelopes have none."""
    message = "No such File object: file-none"
    answer = (await api.request(method, f"/v1/files/file-none{suffix}")).json()
    azure = (await api.request(method, f"/openai/v1/files/file-none{suffix}")).json()

    assert answer == {
        "error": {"message": message, "type": "invalid_request_error", "param": "id", "code": None},
        "detail": {"message": message, "code": None},
    }
    assert azure.keys() == {"error"}


@pytest.mark.parametrize(("name", "fields"), [("in.jsonl", {"purpose": "vector_store"}), ("notes.txt", {})])
async def test_a_refused_upload_is_told_twice_at_openai(upload: Upload, name: str, fields: dict[str, str]) -> None:
    """A bad purpose, another kind of file (contract 9.3; BerriAI/litellm#37527)."""
    answer = (await upload(name=name, **fields)).json()

    assert answer["detail"] == {"message": answer["error"]["message"], "code": None}
    assert "detail" not in (await upload(name=name, path=f"/openai/files{VERSION}", **fields)).json()


async def test_a_deleted_file_is_gone(api: httpx.AsyncClient, upload: Upload, tmp_path: Path) -> None:
    """The answer of contract 1.5.3, then 404; the bytes are removed."""
    file_id = (await upload()).json()["id"]
    deleted = await api.delete(f"/v1/files/{file_id}")

    assert deleted.json() == {"id": file_id, "object": "file", "deleted": True}
    assert (await api.delete(f"/v1/files/{file_id}")).status_code == 404
    assert leftovers(tmp_path) == []


async def test_the_bytes_of_a_deleted_input_stay_until_its_batch_ends(
    api: httpx.AsyncClient, upload: Upload, create: Upload, services: Services, tmp_path: Path
) -> None:
    """Deleting is allowed while a batch reads the file (contract 1.5.3); the last batch takes the bytes along."""
    file_id = (await upload()).json()["id"]
    for _ in range(2):
        await create(input_file_id=file_id)
    assert (await api.delete(f"/v1/files/{file_id}")).status_code == 200
    assert (await api.get(f"/v1/files/{file_id}")).status_code == 404

    for batch, left in zip(await services.stores.batches.list("default", limit=2), (1, 0), strict=True):
        await drop_orphaned_input(services, await change(services, batch, Refused(errors=())))
        assert len(leftovers(tmp_path)) == left


async def test_the_end_of_a_batch_leaves_its_input_file_alone(
    api: httpx.AsyncClient, upload: Upload, create: Upload, services: Services
) -> None:
    """A file that still has its record keeps its bytes."""
    file_id = (await upload()).json()["id"]
    await create(input_file_id=file_id)
    (batch,) = await services.stores.batches.list("default", limit=2)
    await drop_orphaned_input(services, await change(services, batch, Refused(errors=())))

    assert (await api.get(f"/v1/files/{file_id}/content")).content == LINE


@pytest.mark.parametrize(
    "given", ["x", "file-", "a%2Fb", "..%2f..%2fetc", "%00", "%F0%9F%98%80", "file-" + "f" * 3000, "file-" + "z" * 22]
)
async def test_odd_ids_are_not_found(api: httpx.AsyncClient, given: str) -> None:
    """404 whatever the text, with a message of bounded length."""
    response = await api.get(f"/v1/files/{given}")

    assert response.status_code == 404
    assert len(response.text) < 400


async def test_an_expired_file_is_gone_before_it_is_swept(api: httpx.AsyncClient, upload: Upload, clock: Clock) -> None:
    """404 from the second it expires, and no longer listed (contract 2.6)."""
    fields = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    file_id = (await upload(**fields)).json()["id"]
    clock.advance(seconds=3600)

    assert (await api.get(f"/v1/files/{file_id}")).status_code == 404
    assert (await api.get(f"/v1/files/{file_id}/content")).status_code == 404
    assert (await api.delete(f"/v1/files/{file_id}")).status_code == 404
    assert (await api.get("/v1/files")).json()["data"] == []


async def test_expired_files_do_not_shorten_a_page(api: httpx.AsyncClient, upload: Upload, clock: Clock) -> None:
    """A page is filled with living files: SDKs stop at an empty one (contract 1.6)."""
    oldest = (await upload()).json()["id"]
    for _ in range(5):
        clock.advance(seconds=1)
        await upload(**{"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"})
    clock.advance(seconds=4000)
    page = (await api.get("/v1/files?limit=1")).json()

    assert ([file["id"] for file in page["data"]], page["has_more"]) == ([oldest], False)


@pytest.fixture
async def five(upload: Upload, clock: Clock) -> list[str]:
    """Ids of five files, oldest first; the last is for another purpose."""
    found = []
    for purpose in ["batch"] * 4 + ["user_data"]:
        found.append((await upload(purpose=purpose)).json()["id"])
        clock.advance(seconds=1)
    return found


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_go_through_all_files_once(api: httpx.AsyncClient, five: list[str], order: str) -> None:
    """By `after`, in both orders, with an empty page past the end (contract 1.6)."""
    found, after = list[str](), ""
    while True:
        page = (await api.get("/v1/files", params={"limit": 2, "order": order, "after": after})).json()
        assert page["has_more"] is (len(found) + len(page["data"]) < 5)
        if not page["data"]:
            break
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        found += [file["id"] for file in page["data"]]
        after = found[-1]

    assert found == (five if order == "asc" else five[::-1])


async def test_a_cut_page_of_azure_classic_says_so(api: httpx.AsyncClient, five: list[str]) -> None:
    """No paging keys (contract 1.5.2) unless the caller's `limit` cuts the list, which Azure itself never does."""
    whole = (await api.get("/openai/files?api-version=2024-10-21")).json()
    cut = (await api.get("/openai/files?api-version=2024-10-21&limit=2")).json()

    assert whole.keys() == {"object", "data"}
    assert (len(cut["data"]), cut["last_id"], cut["has_more"]) == (2, cut["data"][1]["id"], True)


async def test_files_of_one_purpose(api: httpx.AsyncClient, five: list[str]) -> None:
    """`purpose` filters."""
    page = (await api.get("/v1/files?purpose=user_data")).json()

    assert [file["id"] for file in page["data"]] == five[4:]


async def test_a_deleted_file_still_marks_a_position(api: httpx.AsyncClient, five: list[str]) -> None:
    """Deleting while paging does not send the caller back to page one."""
    await api.delete(f"/v1/files/{five[2]}")
    page = (await api.get(f"/v1/files?after={five[2]}")).json()

    assert [file["id"] for file in page["data"]] == [five[1], five[0]]


async def test_azure_classic_lists_without_paging_keys(api: httpx.AsyncClient, five: list[str]) -> None:
    """Contract 1.5.2: `object` and `data` only, all files."""
    page = (await api.get(f"/openai/files{VERSION}")).json()

    assert (sorted(page), len(page["data"])) == (["data", "object"], len(five))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead."),
        (
            "limit=10001",
            "Invalid 'limit': integer above maximum value. Expected a value <= 10000, but got 10001 instead.",
        ),
        ("limit=ten", "Invalid type for 'limit': expected an integer, but got a string instead."),
        ("order=up", "Invalid value: 'up'. Supported values are: 'asc' and 'desc'."),
        ("after=x", "Invalid 'after': 'x' is no id. Pass the id of the last item of the page before."),
    ],
)
async def test_wrong_paging_parameters(api: httpx.AsyncClient, query: str, message: str) -> None:
    """400 with the literals of contract 1.3; an unknown `after` never means page one (contract 1.6)."""
    response = await api.get(f"/v1/files?{query}")

    assert (response.status_code, response.json()["error"]["message"]) == (400, message)
