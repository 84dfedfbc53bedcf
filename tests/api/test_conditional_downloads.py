"""Downloads under conditions, and HEAD (RFC 9110, 13): a cache, a resumed download and a prober get what they need."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable

import httpx
import pytest

from local_host.http.http_server import build_app, compile_routes
from tests.api.harness import LINE, app_index

CONTENT = LINE * 20


@pytest.fixture
async def url(upload: Callable[..., Awaitable[httpx.Response]]) -> str:
    file_id = (await upload(CONTENT)).json()["id"]
    return f"/v1/files/{file_id}/content"


@pytest.fixture
async def etag(api: httpx.AsyncClient, url: str) -> str:
    return str((await api.get(url)).headers["etag"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("header", ["{}", "W/{}", '"x", {}', '"x",W/{} , "y"', "*", " {} "])
async def test_what_the_caller_has_is_not_sent_again(
    api: httpx.AsyncClient, url: str, etag: str, method: str, header: str
) -> None:
    """304 with the tag and no bytes, weakly compared, also among several tags."""
    response = await api.request(method, url, headers={"if-none-match": header.format(etag)})

    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize("header", ['"x"', "", "nonsense", '"x", W/"y"'])
async def test_what_the_caller_does_not_have_is_sent(api: httpx.AsyncClient, url: str, header: str) -> None:
    """200 and everything."""
    response = await api.get(url, headers={"if-none-match": header})

    assert (response.status_code, response.content) == (200, CONTENT)


async def test_a_known_version_comes_before_a_range(api: httpx.AsyncClient, url: str, etag: str) -> None:
    """304 although a range is asked for (13.2.2)."""
    response = await api.get(url, headers={"if-none-match": etag, "range": "bytes=0-1"})

    assert response.status_code == 304


@pytest.mark.parametrize("header", ["{}", "*", '"x", {}'])
async def test_the_wanted_version_is_sent(api: httpx.AsyncClient, url: str, etag: str, header: str) -> None:
    """200, or 206 for a range of it."""
    whole = await api.get(url, headers={"if-match": header.format(etag)})
    part = await api.get(url, headers={"if-match": header.format(etag), "range": "bytes=1-3"})

    assert (whole.status_code, part.status_code, part.content) == (200, 206, CONTENT[1:4])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("header", ['"x"', "W/{}", "", "nonsense"])
async def test_another_version_is_refused(
    api: httpx.AsyncClient, url: str, etag: str, method: str, header: str
) -> None:
    """412; a weak tag never matches here (13.1.1)."""
    response = await api.request(method, url, headers={"if-match": header.format(etag)})

    assert response.status_code == 412


async def test_a_refusal_names_the_version(api: httpx.AsyncClient, url: str, etag: str) -> None:
    """The caller learns which version there is."""
    response = await api.get(url, headers={"if-match": '"x"'})

    assert etag in response.json()["error"]["message"]


@pytest.mark.parametrize(("header", "status"), [("{}", 206), ("W/{}", 200), ('"x"', 200), ("Sat, 01 Jan 2028", 200)])
async def test_a_download_is_resumed_only_on_the_same_version(
    api: httpx.AsyncClient, url: str, etag: str, header: str, status: int
) -> None:
    """`If-Range` compares strongly; anything else starts over (13.1.5)."""
    response = await api.get(url, headers={"if-range": header.format(etag), "range": "bytes=5-"})

    assert (response.status_code, response.content) == (status, CONTENT[5:] if status == 206 else CONTENT)


async def test_head_has_the_headers_of_the_download(api: httpx.AsyncClient, url: str) -> None:
    """All of them, the length included, and no bytes."""
    got, head = await api.get(url), await api.head(url)
    differing = {"x-request-id", "date"}

    assert (head.status_code, head.content) == (200, b"")
    assert {k: v for k, v in head.headers.items() if k not in differing} == {
        k: v for k, v in got.headers.items() if k not in differing
    }


async def test_head_of_a_range_is_head(api: httpx.AsyncClient, url: str) -> None:
    """A range means nothing without bytes (14.2)."""
    response = await api.head(url, headers={"range": "bytes=0-1"})

    assert (response.status_code, response.headers["content-length"]) == (200, str(len(CONTENT)))


async def test_head_of_an_unknown_file(api: httpx.AsyncClient) -> None:
    """404."""
    assert (await api.head("/v1/files/file-nope/content")).status_code == 404


@pytest.mark.parametrize("mount", ["/v1/files/import", "/openai/files/import?api-version=2024-10-21"])
async def test_files_are_not_imported_from_outside(api: httpx.AsyncClient, mount: str) -> None:
    """400 and the ways that work instead; nothing is fetched."""
    body = {"purpose": "batch", "filename": "a.jsonl", "content_url": "http://127.0.0.1:9/a.jsonl"}
    response = await api.post(mount, json=body)

    assert (response.status_code, "POST /uploads" in response.json()["error"]["message"]) == (400, True)


async def test_head_is_answered_by_the_function_that_takes_get(api: httpx.AsyncClient, url: str) -> None:
    """Newer hosts hand it a HEAD: the same headers as from the function for HEAD, a `Range` means nothing."""
    (download,) = [function for function in app_index().http if function.name == "openai_download_file"]
    both = dataclasses.replace(download, methods=frozenset({"GET", "HEAD"}))
    app = build_app(compile_routes([both]), "{}")
    headers = {"authorization": api.headers["authorization"], "range": "bytes=0-1"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://service") as newer:
        response = await newer.head(url, headers=headers)

    assert (response.status_code, response.headers["content-length"]) == (200, str(len(CONTENT)))
