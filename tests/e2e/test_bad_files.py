"""Input files no one should send: each gets the right error at the right level, and the service goes on."""

from __future__ import annotations

import io
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from bench.programs import KEY, Service, chat_line, jsonl

GOOD = json.dumps(chat_line(1)).encode()


def errors(service: Service, data: bytes) -> list[Any]:
    """The problems of a batch that validation refused."""
    batch = service.run(data)
    assert ("failed", 0) == (batch.status, batch.request_counts.total)
    return [(error.code, error.line, error.param) for error in batch.errors.data]


@pytest.mark.parametrize("data", [b"", b"not json\n", b"\x00\x01\x02", b"[1]\n"])
def test_refused_at_upload(service: Service, data: bytes) -> None:
    """What does not begin with a JSON line is refused at once with OpenAI's literal (contract 1.3)."""
    with pytest.raises(openai.BadRequestError, match="Invalid file format for Batch API. Must be .jsonl"):
        service.upload(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16_is_refused_at_upload(service: Service, encoding: str) -> None:
    """OpenAI's literal, and what the file is (contract 9.3)."""
    with pytest.raises(openai.BadRequestError, match="Must be utf-8 encoded: this is UTF-16. Save it as UTF-8"):
        service.upload(GOOD.decode().encode(encoding))


@pytest.mark.parametrize("file", [GOOD, io.BytesIO(GOOD)], ids=["bytes", "stream"])
def test_bytes_without_a_name_run(service: Service, file: Any) -> None:
    """The SDK names them `upload` (contract 9.3)."""
    with service.openai as client:
        stored = client.files.create(file=file, purpose="batch")
        batch = service.wait(service.create(stored.id))

    assert ("upload", "completed") == (stored.filename, batch.status)


def test_a_wrong_name_is_refused_at_upload(service: Service) -> None:
    """An extension must be .jsonl (contract 1.5.1)."""
    with pytest.raises(openai.BadRequestError, match="Must be .jsonl"):
        service.upload(GOOD, "input.txt")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (GOOD[:40], [("invalid_json_line", 2, None)]),
        (b'{"a": "\x00"}', [("invalid_json_line", 2, None)]),
        (b'{"a": "\xff"}', [("invalid_json_line", 2, None)]),
        (b"x" * 10_000_000, [("invalid_json_line", 2, None)]),
        (b"[" * 200_000, [("invalid_json_line", 2, None)]),
        (GOOD, [("duplicate_custom_id", 2, "custom_id")]),
        (json.dumps(chat_line(2, url="/v1/embeddings")).encode(), [("invalid_url", 2, "url")]),
        (json.dumps({**chat_line(2), "body": {"model": "m"}}).encode(), [("invalid_request", 2, "body.messages")]),
    ],
    ids=["cut", "nul", "not-utf8", "ten-megabytes", "nested", "duplicate", "url", "no-messages"],
)
def test_refused_by_validation(service: Service, second: bytes, expected: list[Any]) -> None:
    """A bad second line fails the batch with its code, line and field; nothing runs (contract 3.3)."""
    assert expected == errors(service, GOOD + b"\n" + second)


def test_every_problem_is_named(service: Service) -> None:
    """All bad lines are reported at once, in order of line and field (contract 3.3)."""
    lines = [GOOD, b"{", b"{}", json.dumps({**chat_line(4), "method": "GET"}).encode()]

    expected = [(2, None), (3, "custom_id"), (3, "method"), (3, "url"), (3, "body"), (4, "method")]
    assert expected == [(line, param) for _, line, param in errors(service, b"\n".join(lines))]


def test_a_byte_order_mark(service: Service) -> None:
    """A BOM makes line 1 no valid JSON (contract 3.4)."""
    assert [("invalid_json_line", 1, None)] == errors(service, b"\xef\xbb\xbf" + GOOD)


def test_an_unknown_deployment(service: Service) -> None:
    """A model that no deployment answers for is `model_not_found` on its line (contract 3.3)."""
    line = chat_line(1)
    line["body"]["model"] = "nobody"

    assert [("model_not_found", 1, "body.model")] == errors(service, jsonl(line))


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD + b"\r\n" + jsonl(chat_line(2)),
        GOOD + b"\n \n\x0c\n" + jsonl(chat_line(2)),
        b'{"custom_id":5,"url":null,"body":[],' + GOOD[1:],
    ],
    ids=["open", "crlf", "blank", "equal-keys"],
)
def test_harmless_oddities_run(service: Service, data: bytes) -> None:
    """No final newline, CRLF endings, blank lines and equal keys are fine."""
    batch = service.run(data)

    assert "completed" == batch.status
    assert batch.request_counts.total == batch.request_counts.completed > 0


def test_a_ten_megabyte_line_runs(service: Service) -> None:
    """A long line that is good is answered like any other, and its neighbours too."""
    batch = service.run(jsonl(chat_line(1), chat_line(2, "a" * 10_000_000), chat_line(3)))

    assert (3, 0) == (batch.request_counts.completed, batch.request_counts.failed)


def test_a_lost_connection_leaves_nothing(service: Service) -> None:
    """An upload cut off by a lost connection creates no file."""
    address = urlsplit(service.url)
    with service.openai as client:
        before = {file.id for file in client.files.list()}
        head = (
            f"POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 100000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        part = '--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b\r\n'
        part += 'Content-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n'
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(head.encode() + part.encode() + GOOD)

        assert before == {file.id for file in client.files.list()}


def test_a_missing_input_file_fails_the_batch(service: Service) -> None:
    """An unknown file id is accepted and fails the batch (contract 1.5.5, 3.3)."""
    batch = service.wait(service.create("file-nobodyhasthisone"))

    assert "failed" == batch.status
    assert "Cannot find file file-nobodyhasthisone" in batch.errors.data[0].message
