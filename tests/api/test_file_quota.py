"""How many files an owner may keep, and how large they may be (contract 1.3, 1.5.1, 3.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.files.file import RESULT_PURPOSE, File
from shared.domain.keys.limits import Limits
from shared.run.files.file_quota import check_quota
from shared.services import Services, use
from tests.api.harness import LINE, MAX_FILE_BYTES, Clock
from tests.with_stores import with_stores

Upload = Callable[..., Awaitable[httpx.Response]]
AZURE = "/openai/files?api-version=2024-10-21"
HOUR = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}


@contextmanager
def limits(services: Services, **changes: int) -> Iterator[Services]:
    with use(replace(services, settings=replace(services.settings, **changes))) as limited:
        yield limited


async def test_too_many_files_without_expiry(services: Services, upload: Upload) -> None:
    """Azure's refusal, literal: 400, `quotaExceeded` (contract 1.3); files that expire are counted apart."""
    with limits(services, max_files_without_expiry=2):
        answers = [await upload(path=AZURE) for _ in range(3)]
        assert (await upload(path=AZURE, **HOUR)).status_code == 201

    assert [answer.status_code for answer in answers] == [201, 201, 400]
    assert answers[2].json() == {
        "error": {
            "code": "quotaExceeded",
            "message": "The quota for files without expiry is reached. The maximum is 2.",
        }
    }


async def test_too_many_files_with_expiry(services: Services, upload: Upload) -> None:
    """The other quota; files without an expiry are counted apart."""
    with limits(services, max_files_with_expiry=1):
        answers = [await upload() for _ in range(2)]
        assert (await upload(path=AZURE)).status_code == 201

    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"]["message"] == "The quota for files with expiry is reached. The maximum is 1."


async def test_too_many_bytes(services: Services, upload: Upload) -> None:
    """The limit itself is inside; whatever the expiry."""
    with limits(services, max_stored_bytes=3 * len(LINE)):
        answers = [await upload(), await upload(path=AZURE), await upload(LINE * 2), await upload()]

    assert [answer.status_code for answer in answers] == [200, 201, 400, 200]
    message = answers[2].json()["error"]["message"]
    assert message == f"The quota for bytes of files is reached. The maximum is {3 * len(LINE)}."


async def test_a_refused_file_leaves_nothing(services: Services, upload: Upload, tmp_path: Path) -> None:
    """Its bytes are removed."""
    with limits(services, max_stored_bytes=1):
        await upload()

    assert list((tmp_path / "blobs").iterdir()) == []


async def test_deleting_makes_room(api: httpx.AsyncClient, services: Services, upload: Upload) -> None:
    """At once."""
    with limits(services, max_files_with_expiry=1):
        first = (await upload()).json()["id"]
        await api.delete(f"/v1/files/{first}")

        assert (await upload()).status_code == 200


async def test_expiring_makes_room(services: Services, upload: Upload, clock: Clock) -> None:
    """Before the sweep."""
    with limits(services, max_files_with_expiry=1):
        await upload(**HOUR)
        clock.advance(hours=1)

        assert (await upload()).status_code == 200


async def test_result_files_do_not_count(services: Services, upload: Upload, clock: Clock) -> None:
    """Azure's rule for output files (contract 3.5)."""
    for number in range(3):
        await services.stores.files.insert(a_result(f"{number:032x}", clock))
    with limits(services, max_files_without_expiry=1, max_stored_bytes=1000):
        assert (await upload(path=AZURE)).status_code == 201


async def test_many_files_are_counted(services: Services, clock: Clock) -> None:
    """More than a page of them."""
    for number in range(5):
        await services.stores.files.insert(a_result(f"{number:032x}", clock, purpose="batch"))
    with (
        limits(services, max_files_without_expiry=5) as limited,
        pytest.raises(InvalidRequest, match="The maximum is 5"),
    ):
        await check_quota(limited, "default", Limits(), expires=False, size=1, page=2)
    with limits(services, max_files_without_expiry=6) as limited:
        await check_quota(limited, "default", Limits(), expires=False, size=1, page=2)


def a_result(file_id: str, clock: Clock, purpose: str = RESULT_PURPOSE) -> File:
    return File(
        id=file_id,
        owner="default",
        filename="r.jsonl",
        purpose=purpose,
        bytes=500,
        created_at=clock(),
        expires_at=None,
        blob=f"results/{file_id}",
    )


async def test_no_quota_reads_no_list(services: Services, upload: Upload) -> None:
    """Where nothing is limited, an upload costs the same whatever the owner keeps."""

    class Unlisted:
        def list(self, *arguments: Any, **options: Any) -> Any:
            raise AssertionError("files were listed")

        def __getattr__(self, name: str) -> Any:
            return getattr(services.stores.files, name)

    with use(with_stores(services, files=Unlisted())):
        assert (await upload()).status_code == 200


async def test_uploads_in_parts_have_the_same_quotas(api: httpx.AsyncClient, services: Services) -> None:
    """Before the first part is sent."""
    body = {"filename": "in.jsonl", "purpose": "batch", "bytes": 100, "mime_type": "application/jsonl"}
    with limits(services, max_stored_bytes=99):
        response = await api.post("/v1/uploads", json=body)

    assert (response.status_code, response.json()["error"]["code"]) == (400, "quotaExceeded")


async def test_other_purposes_have_a_limit_of_their_own(services: Services, upload: Upload) -> None:
    """512 MB in one call by default (contract 1.5.1); the message names it."""
    assert services.settings.max_other_file_bytes == 512 * 1024 * 1024
    with limits(services, max_other_file_bytes=2 * MAX_FILE_BYTES):
        answers = [
            await upload(b"x" * size, name="a.bin", purpose="user_data")
            for size in (2 * MAX_FILE_BYTES, 2 * MAX_FILE_BYTES + 1)
        ]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"]["message"] == f"File is too large. The limit is {2 * MAX_FILE_BYTES} bytes."


async def test_a_purpose_that_comes_last_limits_as_well(
    api: httpx.AsyncClient, services: Services, tmp_path: Path
) -> None:
    """Forms may have any order."""
    content = LINE + b" " * MAX_FILE_BYTES

    async def body() -> AsyncIterator[bytes]:
        yield b'--XX\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
        yield content
        yield b'\r\n--XX\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--XX--\r\n'

    headers = {"content-type": "multipart/form-data; boundary=XX"}
    with limits(services, max_other_file_bytes=2 * MAX_FILE_BYTES):
        response = await api.post("/v1/files", content=body(), headers=headers)

    assert response.json()["error"]["message"].startswith(f"File is too large. The limit is {MAX_FILE_BYTES} bytes")
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.parametrize("name", ["max_files_without_expiry", "max_files_with_expiry", "max_stored_bytes"])
def test_quotas_are_off_by_default(services: Services, name: str) -> None:
    """The operator's own disk is the limit until a quota is set."""
    assert getattr(services.settings, name) == 0
