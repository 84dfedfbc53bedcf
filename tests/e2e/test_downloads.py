"""Downloads as browsers, caches and resuming clients do them, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from bench.programs import KEY, Service, chat_line, jsonl

DATA = jsonl(*(chat_line(n) for n in range(50)))


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, headers={"authorization": f"Bearer {KEY}"}, timeout=60) as client:
        yield client


def test_head_then_resume(service: Service, http: httpx.Client) -> None:
    """HEAD tells size and version without a byte; the second half of that version completes the first."""
    url = f"/v1/files/{service.upload(DATA)}/content"
    head = http.head(url)
    half = int(head.headers["content-length"]) // 2
    first = http.get(url, headers={"range": f"bytes=0-{half - 1}"})
    rest = http.get(url, headers={"range": f"bytes={half}-", "if-range": head.headers["etag"]})

    assert (200, b"", str(len(DATA))) == (head.status_code, head.content, head.headers["content-length"])
    assert (206, 206) == (first.status_code, rest.status_code)
    assert first.content + rest.content == DATA


def test_a_cache_asks_again(service: Service, http: httpx.Client) -> None:
    """304 on the connection that goes on working, 412 for another version."""
    url = f"/v1/files/{service.upload(DATA)}/content"
    etag = http.get(url).headers["etag"]

    assert 304 == http.get(url, headers={"if-none-match": etag}).status_code
    assert 412 == http.get(url, headers={"if-match": '"other"'}).status_code
    assert DATA == http.get(url, headers={"if-match": etag}).content
