"""What uploads cost an instance on Azure: `python -m bench.uploads`, an hour; `--help` says how to take less.

The Functions host reads every body of a known length into one string before it calls the function. Each row here is a
Functions host of its own (`func` on the PATH, Azurite), whose .NET heap is held to what an instance of that size leaves
to it, and so many uploads sent at the same moment. A row that dies ends its column: more at once would die, too.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil

from bench.programs import KEY, chat_line
from bench.report import print_table
from bench.transfer import BOUNDARY, HEAD, TAIL
from tests.core_tools import CoreTools, missing

MIB = 1024 * 1024
PART_BYTES = 8 * MIB
ANSWER_SECONDS = 240.0
# .NET takes three quarters of a container's memory for its heap; nobody has seen a real instance's figure.
HEAPS_MIB = {512: 384, 2048: 1536, 4096: 3072}
SIZES_MIB = (50, 100, 200)
AT_ONCE = (1, 2, 3, 4, 8)


class Sent(NamedTuple):
    """A file that was taken, and what was in it."""

    file_id: str
    sha256: str


class Content:
    """A batch file of `size_mib` lines of one MiB, made on the way; `sha256` is of what has been read so far."""

    def __init__(self, size_mib: int, seed: str) -> None:
        self._size_mib, self._seed, self._hash = size_mib, seed, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._size_mib):
            line = json.dumps(chat_line(number, self._seed)).encode()
            block = line + b" " * (MIB - len(line) - 1) + b"\n"
            self._hash.update(block)
            yield block

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def heap_limit(instance_mb: int) -> dict[str, str]:
    """The environment of a host on an instance of that size."""
    return {"DOTNET_GCHeapHardLimit": f"{HEAPS_MIB[instance_mb] * MIB:#x}"}


def send_whole(url: str, size_mib: int, seed: str) -> Sent:
    """As SDKs do: the length is announced."""
    length = len(HEAD) + size_mib * MIB + len(TAIL)
    return _send_file(url, Content(size_mib, seed), {"Content-Length": str(length)})


def send_chunked(url: str, size_mib: int, seed: str) -> Sent:
    """As `curl -H 'Transfer-Encoding: chunked'` does."""
    return _send_file(url, Content(size_mib, seed), {"Transfer-Encoding": "chunked"})


def send_parts(url: str, size_mib: int, seed: str) -> Sent:
    """As the SDKs' `upload_file_chunked` does, in parts of 8 MiB."""
    content = Content(size_mib, seed)
    new = {"filename": "input.jsonl", "purpose": "batch", "bytes": size_mib * MIB, "mime_type": "application/jsonl"}
    upload = f"/v1/uploads/{_post_json(url, '/v1/uploads', new)['id']}"
    part_ids = [_post(url, f"{upload}/parts", *_form_of_part(part))["id"] for part in _parts(content)]
    answer = _post_json(url, f"{upload}/complete", {"part_ids": part_ids})
    return Sent(answer["file"]["id"], content.sha256)


WAYS: dict[str, Callable[[str, int, str], Sent]] = {
    "whole": send_whole,
    "chunked": send_chunked,
    "parts of 8 MiB": send_parts,
}


def _send_file(url: str, content: Content, length: dict[str, str]) -> Sent:
    def body() -> Iterator[bytes]:
        yield HEAD
        yield from content
        yield TAIL

    answer = _post(url, "/v1/files", body(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **length})
    return Sent(answer["id"], content.sha256)


def _parts(content: Iterable[bytes]) -> Iterator[bytes]:
    part = b""
    for block in content:
        part += block
        if len(part) >= PART_BYTES:
            yield part
            part = b""
    if part:
        yield part


def _form_of_part(part: bytes) -> tuple[bytes, dict[str, str]]:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="data"; filename="part"\r\n\r\n'.encode()
    return head + part + TAIL, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def _post_json(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    return _post(url, path, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _post(url: str, path: str, body: bytes | Iterator[bytes], headers: dict[str, str]) -> dict[str, Any]:
    """The answer. Raises OSError or HTTPException if there is none, or not with 200."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=ANSWER_SECONDS)
    try:
        chunked = "Transfer-Encoding" in headers
        headers = {"Authorization": f"Bearer {KEY}", **headers}
        connection.request("POST", path, body=body, headers=headers, encode_chunked=chunked)
        response = connection.getresponse()
        said = response.read()
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"HTTP {response.status} {said[:200]!r}")
        answer: dict[str, Any] = json.loads(said)
        return answer
    finally:
        connection.close()


class Memory:
    """Samples the host and its Python worker twenty times a second, until stopped; not the launcher, not Azurite."""

    def __init__(self, program: CoreTools) -> None:
        assert program.process is not None
        found = psutil.Process(program.process.pid).children(recursive=True)
        python = [process for process in found if "bridge.py" in _command(process) or "worker" in _command(process)]
        self.host = next(process for process in found if process.name().lower().startswith(("functionshost", "func")))
        self._processes = {"host": self.host, "worker": python[0]}
        self.peak_mib = dict.fromkeys(self._processes, 0.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._stop.wait(0.05):
            for name, process in self._processes.items():
                try:
                    self.peak_mib[name] = max(self.peak_mib[name], process.memory_info().rss / MIB)
                except psutil.Error:
                    continue

    @property
    def lives(self) -> bool:
        """Whether the host is the one that was started."""
        return self.host.is_running() and self.host.status() != psutil.STATUS_ZOMBIE

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def _command(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


@dataclass(frozen=True)
class Row:
    """So many uploads at once, and what became of them."""

    instance_mb: int
    way: str
    size_mib: int
    at_once: int
    answered: int
    lives: bool
    host_mib: float
    worker_mib: float
    seconds: float

    @property
    def survived(self) -> bool:
        return self.lives and self.answered == self.at_once


def measure(instance_mb: int, way: str, size_mib: int, at_once: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        service = CoreTools(Path(folder), "http://127.0.0.1:9", **heap_limit(instance_mb))
        ends.callback(service.stop)
        service.start()
        memory = Memory(service)
        ends.callback(memory.stop)
        since = time.monotonic()
        answered = sum(send_all(service.url, way, size_mib, at_once))
        took = time.monotonic() - since
        peaks = memory.peak_mib
        return Row(instance_mb, way, size_mib, at_once, answered, memory.lives, peaks["host"], peaks["worker"], took)


def send_all(url: str, way: str, size_mib: int, at_once: int) -> list[bool]:
    """Which of the uploads, all begun at the same moment, were answered with 200."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda number: _taken(url, way, size_mib, number), range(at_once)))


def _taken(url: str, way: str, size_mib: int, number: int) -> bool:
    try:
        WAYS[way](url, size_mib, f"upload {number}")
    except (OSError, http.client.HTTPException) as error:
        print(f"  {way}, {size_mib} MiB, number {number}: {type(error).__name__} {error}", flush=True)
        return False
    return True


def table(instance_mb: int, sizes_mib: Iterable[int], at_once: Iterable[int]) -> list[Row]:
    """Whole bodies until they are too much, then the largest case the other ways."""
    rows = []
    for size_mib in sizes_mib:
        for count in at_once:
            rows.append(measure(instance_mb, "whole", size_mib, count))
            print(rows[-1], flush=True)
            if not rows[-1].survived:
                break
    largest = max(sizes_mib), max(at_once)
    return rows + [measure(instance_mb, way, *largest) for way in WAYS if way != "whole"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instance", type=int, nargs="+", default=[*HEAPS_MIB], choices=HEAPS_MIB, help="its MB")
    parser.add_argument("--sizes", type=int, nargs="+", default=[*SIZES_MIB], help="MiB of an upload")
    parser.add_argument("--at-once", type=int, nargs="+", default=[*AT_ONCE], help="uploads that begin together")
    chosen = parser.parse_args()
    if reason := missing():
        raise SystemExit(reason)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # The host of the row under way ends as well.
    rows = [row for mb in chosen.instance for row in table(mb, sorted(chosen.sizes), sorted(chosen.at_once))]
    heads = ["instance MB", "sent", "MiB", "at once", "answered", "host", "peak MiB", "worker MiB", "s"]
    print_table("Uploads on the Functions host", heads, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str | int | float | None]:
    first = [row.instance_mb, row.way, row.size_mib, row.at_once, row.answered]
    return [*first, "lives" if row.lives else "dies", round(row.host_mib), round(row.worker_mib), round(row.seconds)]


if __name__ == "__main__":
    main()
