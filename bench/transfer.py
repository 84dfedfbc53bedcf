"""Upload and download of one large file against plain writes and reads: `python -m bench.transfer [--quick]`.

The yardstick for the local stores is the same bytes written to a file in blocks, each block synced to the disk as the
stores promise, and read back; for Azurite it is the same bytes as blocks of one blob through Azure's own SDK,
committed, and downloaded. They take turns; a ratio of 1 would mean that HTTP, parsing and records cost nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.storage.blob import BlobBlock, BlobServiceClient

from bench.memory import write_input
from bench.programs import KEY, Mock, Service
from bench.report import print_table, run_alone
from tests import azurite

MIB = 1024 * 1024
BLOCK_BYTES = 4 * MIB
LINE_BYTES = 8192
BOUNDARY = "durable-batch-bench"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="input.jsonl"\r\n'
    "Content-Type: application/jsonl\r\n\r\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


def blocks(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def upload(service: Service, source: Path) -> str:
    """As cheaply as a client can: the bytes of the file between a ready head and tail."""

    def body() -> Iterator[bytes]:
        yield HEAD
        yield from blocks(source)
        yield TAIL

    headers = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(HEAD) + source.stat().st_size + len(TAIL)),
    }
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=600)
    connection.request("POST", "/v1/files", body=body(), headers=headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200, answer
    connection.close()
    return str(answer["id"])


def download(service: Service, file_id: str) -> int:
    """Bytes of the file."""
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=600)
    connection.request("GET", f"/v1/files/{file_id}/content", headers={"Authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    assert response.status == 200, response.read()
    size = 0
    while piece := response.read(MIB):
        size += len(piece)
    connection.close()
    return size


def seconds(work: Callable[[], object]) -> float:
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def write_plainly(source: Path, target: Path) -> None:
    """Each block durable before the next one, as an upload's blocks are."""
    with target.open("wb") as file:
        for block in blocks(source):
            file.write(block)
            file.flush()
            os.fsync(file.fileno())


def read_plainly(target: Path) -> None:
    for _ in blocks(target):
        pass


class PlainDisk:
    """The yardstick of the local stores."""

    def __init__(self, folder: Path, source: Path) -> None:
        self._source, self._target = source, folder / "plain"

    def write(self) -> None:
        write_plainly(self._source, self._target)

    def read(self) -> None:
        read_plainly(self._target)


class PlainBlob:
    """The yardstick on Azurite."""

    def __init__(self, connection_string: str, source: Path) -> None:
        client = BlobServiceClient.from_connection_string(connection_string, max_single_get_size=BLOCK_BYTES)
        container = client.create_container("plain")
        self._source, self._blob = source, container.get_blob_client("plain")

    def write(self) -> None:
        ids = []
        for number, block in enumerate(blocks(self._source)):
            ids.append(BlobBlock(block_id=f"{number:06d}"))
            self._blob.stage_block(ids[-1].id, block)
        self._blob.commit_block_list(ids)

    def read(self) -> None:
        for _ in self._blob.download_blob().chunks():
            pass


def one_store(name: str, connection_string: str | None, size_mib: int, rounds: int) -> dict[str, Any]:
    """Medians over rounds in turns."""
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        source = folder / "input.jsonl"
        write_input(source, size_mib, size_mib * MIB // LINE_BYTES)
        plain = PlainDisk(folder, source) if connection_string is None else PlainBlob(connection_string, source)
        mock = Mock(folder)
        mock.start()
        service = Service(folder, mock.url, *(["--azurite", connection_string] if connection_string else []))
        service.start()
        try:
            found = [_round(service, plain, source) for _ in range(rounds)]
        finally:
            service.stop()
            mock.stop()
    medians = [statistics.median(values) for values in zip(*found, strict=True)]
    keys = ("plain_write_s", "upload_s", "plain_read_s", "download_s")
    figures = dict(zip(keys, medians, strict=True))
    return {
        "stores": name,
        "mib": size_mib,
        **figures,
        "upload_ratio": statistics.median(one[1] / one[0] for one in found),
        "download_ratio": statistics.median(one[3] / one[2] for one in found),
    }


def _round(service: Service, plain: PlainDisk | PlainBlob, source: Path) -> tuple[float, float, float, float]:
    wrote = seconds(plain.write)
    since = time.perf_counter()
    file_id = upload(service, source)
    uploaded = time.perf_counter() - since
    read = seconds(plain.read)
    since = time.perf_counter()
    size = download(service, file_id)
    downloaded = time.perf_counter() - since
    assert size == source.stat().st_size
    return wrote, uploaded, read, downloaded


def run(*, quick: bool) -> dict[str, Any]:
    """Measure and show."""
    size_mib, rounds = (50, 3) if quick else (200, 2)  # Azurite is in memory here, and bounded to 1 GiB.
    found = [one_store("local", None, size_mib - 1, rounds)]
    with tempfile.TemporaryDirectory() as folder, _azurite(Path(folder)) as connection_string:
        if connection_string:
            found.append(one_store("Azurite", connection_string, size_mib - 1, rounds))
        else:
            print("Azurite is not installed (npm ci): its part is left out.")
    heads = ["stores", "MiB", "plain write s", "upload s", "plain read s", "download s", "upload x", "download x"]
    print_table("One large file", heads, [list(one.values()) for one in found])
    return {"stores": found}


def _azurite(folder: Path) -> AbstractContextManager[str | None]:
    return azurite.running(folder / "azurite.log") if azurite.PROGRAM.exists() else nullcontext()


if __name__ == "__main__":
    run_alone(run, __doc__)
