"""Bodies of calls as clients write them: PowerShell and Java put a byte order mark before the JSON (RFC 8259, 8.1)."""

from __future__ import annotations

import codecs

import httpx
import msgspec
import pytest

CALLS = [
    ("/v1/batches", {"input_file_id": "file-x", "endpoint": "/v1/responses", "completion_window": "24h"}),
    ("/v1/uploads", {"filename": "a.jsonl", "purpose": "batch", "bytes": 1, "mime_type": "application/jsonl"}),
]


@pytest.mark.parametrize(("path", "body"), CALLS)
async def test_a_byte_order_mark_is_passed_over(api: httpx.AsyncClient, path: str, body: dict[str, object]) -> None:
    """One, at the beginning."""
    content = codecs.BOM_UTF8 + msgspec.json.encode(body)
    headers = {"content-type": "application/json; charset=utf-8"}

    assert (await api.post(path, content=content, headers=headers)).status_code == 200
    assert (await api.post(path, content=codecs.BOM_UTF8 + content, headers=headers)).status_code == 400


@pytest.mark.parametrize(
    ("path", "advice"), [("/v1/batches", "Request lines go in a file."), ("/v1/uploads", "bytes.")]
)
async def test_a_body_is_bounded(api: httpx.AsyncClient, path: str, advice: str) -> None:
    """262,144 bytes; lines in the body of a create call are a common mistake."""
    answer = await api.post(path, content=b" " * 262_145)

    assert (answer.status_code, answer.json()["error"]["message"].endswith(advice)) == (400, True)
