"""Large files in parts through the vendors' own SDK, against a live service."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import openai
import psutil
import pytest

from bench.programs import Service, chat_line, jsonl

MIB = 1024 * 1024


class Peak:
    """The most memory a process was seen to use, over what it used at first, in bytes."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._first = self._process.memory_info().rss
        self._most = self._first
        self._over = threading.Event()

    @property
    def growth(self) -> int:
        return self._most - self._first

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self._most = max(self._most, self._process.memory_info().rss)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A JSONL file of 130 MiB: three parts of the SDK's size."""
    line = jsonl(chat_line(1, "x" * (MIB - 200)))
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        while file.tell() < 130 * MIB:
            file.write(line)
    return path


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def test_a_large_file_at_constant_memory(service: Service, large: Path) -> None:
    """`upload_file_chunked` with a checksum: three parts of up to 64 MiB; the service grows by a few blocks only."""
    assert service.process is not None
    service.upload(jsonl(chat_line(0)) + b" " * 16 * MIB)  # What every process loads once, for its first large file.
    peak, md5 = Peak(service.process.pid), md5_of(large)
    with service.openai as client, peak.watching():
        upload = client.uploads.upload_file_chunked(file=large, mime_type="application/jsonl", purpose="batch", md5=md5)
    assert upload.file is not None
    with service.openai as client, client.files.with_streaming_response.content(upload.file.id) as answer:
        digest = hashlib.md5(usedforsecurity=False)
        for piece in answer.iter_bytes(MIB):
            digest.update(piece)
        client.files.delete(upload.file.id)

    assert ("completed", large.stat().st_size) == (upload.status, upload.file.bytes)
    assert md5 == digest.hexdigest()
    assert peak.growth < 48 * MIB


@pytest.mark.parametrize("dialect", ["openai", "azure"])
def test_a_batch_of_a_file_in_parts(service: Service, dialect: str) -> None:
    """Lines cut anywhere between parts are whole in the file: every request is answered once."""
    endpoint = "/chat/completions" if dialect == "azure" else "/v1/chat/completions"
    data = jsonl(*(chat_line(n, url=endpoint) for n in range(200)))
    with getattr(service, dialect) as client:
        upload = client.uploads.upload_file_chunked(
            file=data, filename="in.jsonl", bytes=len(data), mime_type="application/jsonl", purpose="batch",
            part_size=4321, md5=hashlib.md5(data).hexdigest(),
        )  # fmt: skip
        batch = client.batches.create(input_file_id=upload.file.id, endpoint=endpoint, completion_window="24h")
    ended = service.wait(batch.id)

    assert ("completed", 200) == (ended.status, ended.request_counts.completed)
    assert [f"c{n}" for n in range(200)] == [line["custom_id"] for line in service.lines(ended.output_file_id)]


def test_parts_in_parallel(service: Service) -> None:
    """Eight at a time, finishing in any order, completed in the right one."""
    pieces = [bytes([65 + index]) * (100_000 + index) for index in range(24)]
    data = b"".join(pieces)
    with service.openai as client, ThreadPoolExecutor(8) as pool:
        upload = client.uploads.create(bytes=len(data), filename="a.txt", mime_type="text/plain", purpose="user_data")
        parts = list(pool.map(lambda piece: client.uploads.parts.create(upload.id, data=piece), pieces))
        done = client.uploads.complete(upload.id, part_ids=[part.id for part in parts])
        assert done.file is not None
        assert data == client.files.content(done.file.id).read()


def test_mistakes_reach_the_caller(service: Service) -> None:
    """A wrong checksum is a BadRequestError, a part after the cancel a ConflictError at the first try."""
    with service.openai as client:
        upload = client.uploads.create(bytes=2, filename="a.txt", mime_type="text/plain", purpose="user_data")
        part = client.uploads.parts.create(upload.id, data=b"ab")
        with pytest.raises(openai.BadRequestError, match="md5 checksum 187ef4436122d1cc2f40dc2b92f0eba0, not 0000"):
            client.uploads.complete(upload.id, part_ids=[part.id], md5="0" * 32)
        assert "cancelled" == client.uploads.cancel(upload.id).status
        with pytest.raises(openai.ConflictError, match="with status 'cancelled'"):
            client.uploads.parts.create(upload.id, data=b"ab")
