"""Paths whose slashes are escaped: `Azure.AI.OpenAI` for .NET escapes an upload's path as a whole (contract 9.6)."""

from __future__ import annotations

import httpx
import pytest

from tests.api.harness import LINE

ASKED = {"filename": "a.jsonl", "purpose": "batch", "bytes": len(LINE), "mime_type": "application/jsonl"}
PREFIXES = [
    ("/openai", "?api-version=2024-10-21"),
    ("/openai/deployments/gpt", "?api-version=2025-04-01-preview"),
    ("/openai/v1", ""),
    ("/v1", ""),
    ("/v1/openai", ""),
]


async def begin(api: httpx.AsyncClient, prefix: str, query: str) -> str:
    return (await api.post(f"{prefix}/uploads{query}", json=ASKED)).json()["id"]


@pytest.mark.parametrize("slash", ["%2F", "%2f", "%252F"])
@pytest.mark.parametrize(("prefix", "query"), PREFIXES)
async def test_a_file_in_parts(api: httpx.AsyncClient, prefix: str, query: str, slash: str) -> None:
    """Part and completion, as the same calls spelled as usual; `%252F` is what Azure's host makes of `%2F`."""
    upload = f"{prefix}/uploads{slash}{await begin(api, prefix, query)}{slash}"
    part = await api.post(f"{upload}parts{query}", files={"data": ("a", LINE)})
    done = await api.post(f"{upload}complete{query}", json={"part_ids": [part.json()["id"]]})
    content = await api.get(f"{prefix}/files{slash}{done.json()['file']['id']}{slash}content{query}")

    assert (part.status_code, done.status_code, done.json()["status"]) == (200, 200, "completed")
    assert (content.status_code, content.content) == (200, LINE)


@pytest.mark.parametrize(("prefix", "query"), PREFIXES)
async def test_a_cancelled_upload(api: httpx.AsyncClient, prefix: str, query: str) -> None:
    """The third of the three."""
    answer = await api.post(f"{prefix}/uploads%2F{await begin(api, prefix, query)}%2Fcancel{query}")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/openai/uploads%2Fbatch-1%2Fcancel?api-version=2024-10-21", 404),
        ("POST", "/openai/uploads%2Fbatch-1%2Fcancel", 404),
        ("GET", "/v1/uploads%2Fupload_1%2Fparts", 405),
        ("POST", "/v1/batches%2Fbatch_1%2Fretry", 404),
        ("POST", "/v1/uploads%2Fupload_1%2Fnothing", 404),
        ("GET", "/v1/files%2Ffile-1%2Fcontent%2Fmore", 404),
    ],
)
async def test_what_is_refused_stays_refused(api: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """No upload of that id, no version, another method, a route that starts runs, no route."""
    answer = await api.request(method, path)

    assert (answer.status_code, "error" in answer.json()) == (status, True)


async def test_a_key_is_asked_for_all_the_same(anonymous: httpx.AsyncClient) -> None:
    """The spelling is no way around the door."""
    for path in ("/openai/uploads%2Fbatch-1%2Fcancel?api-version=2024-10-21", "/v1/files%2Ffile-1%2Fcancel"):
        answer = await anonymous.post(path)
        assert answer.status_code == (401 if path.startswith("/openai") else 404)
