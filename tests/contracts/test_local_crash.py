"""The local stores under kill -9: what returned is there, what did not is there whole or not at all."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from local_host.stores.stores import open_stores
from shared.domain.keys.audit import AuditFilter
from shared.ports.base import BlobMissing
from shared.ports.stores import Stores
from tests.azurite import ROOT
from tests.contracts.crash_writer import JOURNAL, PLAN, content, entry, upload_name
from tests.contracts.samples import a_batch, a_project, an_id

KILLS = 20


async def read_all(stores: Stores, name: str) -> bytes:
    return b"".join([piece async for piece in stores.blobs.read(name)])


def write_until_killed(data: Path, starts: dict[str, int], seconds: float) -> dict[str, int]:
    """Kinds of writes -> the number of the last one that returned before the kill."""
    command = [sys.executable, "-m", "tests.contracts.crash_writer", data, msgspec.json.encode(starts).decode()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        lines = [first, *writer.stdout.read().splitlines(keepends=True)]
    pairs = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return {kind: int(number) for kind, number in pairs}


async def found_numbers(stores: Stores, starts: dict[str, int]) -> dict[str, int]:
    """Kinds of writes -> the number of the last one that is there, each checked to be whole."""
    batch = a_batch()
    found = {"append": await last_append(stores), "upload": await last_upload(stores, starts.get("upload", 0))}
    if stored_chunk := await stores.chunks.get("b", 0):
        found["chunk"] = stored_chunk.value.completed
    if stored_batch := await stores.batches.get(batch.owner, batch.id):
        found["batch"] = stored_batch.value.total
    try:
        plan = await read_all(stores, PLAN)
    except BlobMissing:
        return found
    found["put"] = int(plan[:6])
    assert plan == content(found["put"])
    return found


async def last_append(stores: Stores) -> int:
    try:
        entries = (await read_all(stores, JOURNAL)).splitlines(keepends=True)
    except BlobMissing:
        return -1
    assert [int(line[:6]) for line in entries] == list(range(len(entries)))
    assert all(line == entry(number) for number, line in enumerate(entries))
    return len(entries) - 1


async def last_upload(stores: Stores, number: int) -> int:
    try:
        while True:
            whole = content(number) + content(number + 1) + content(number + 2)
            assert await read_all(stores, upload_name(number)) == whole
            number += 1
    except BlobMissing:
        return number - 1


async def test_kill_at_many_moments_loses_nothing_that_returned(tmp_path):
    """20 writers, each killed at a moment of its own: of each kind, at most the one write in flight is in doubt."""
    moments = random.Random(20)
    starts: dict[str, int] = {}
    for _ in range(KILLS):
        returned = write_until_killed(tmp_path, starts, moments.uniform(0, 0.15))
        stores = open_stores(tmp_path)
        found = await found_numbers(stores, starts)
        await stores.close()
        for kind, number in returned.items():
            assert found[kind] in (number, number + 1), kind
        starts = {kind: number + 1 for kind, number in found.items()}
    assert set(starts) == {"append", "upload", "put", "chunk", "batch"}


async def test_what_a_kill_leaves_behind_is_swept(tmp_path):
    """Bytes that no record names go at the next sweep a day later; everything that is named stays readable."""
    write_until_killed(tmp_path, {}, 0.1)
    stores = open_stores(tmp_path)
    orphan = tmp_path / "blobs" / ("0" * 32)
    orphan.write_bytes(b"never named")
    stores.blobs.sweep(time.time() + 2 * 86_400)
    kept = await found_numbers(stores, {})
    await stores.close()
    assert not orphan.exists()
    assert kept["append"] >= 0


APPENDER = """
import asyncio, sys
from pathlib import Path
from local_host.stores.stores import open_stores

async def main():
    stores = open_stores(Path(sys.argv[1]))
    for number in range(100):
        await stores.blobs.append("journals/b/0", (sys.argv[2] * 3000 + f"{number}\\n").encode())
    await stores.close()

asyncio.run(main())
"""


async def test_two_processes_append_to_one_journal(tmp_path):
    """Appends of two processes to one blob: each whole, all there, each process's in its order."""
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", APPENDER, tmp_path, letter, cwd=ROOT)
        for letter in "ab"
    ]
    assert [await writer.wait() for writer in writers] == [0, 0]
    stores = open_stores(tmp_path)
    lines = (await read_all(stores, "journals/b/0")).decode().splitlines()
    await stores.close()
    for letter in "ab":
        mine = [line for line in lines if line[0] == letter]
        assert mine == [letter * 3000 + str(number) for number in range(100)]


LABELLER = """
import asyncio, sys
from pathlib import Path
import msgspec
from local_host.stores.stores import open_stores
from shared.ports.base import Changed
from tests.contracts.samples import an_id, an_audit_event

async def label(projects, name):
    while True:
        stored = await projects.get(an_id(1))
        labelled = msgspec.structs.replace(stored.value, labels={**stored.value.labels, name: ""})
        try:
            return await projects.replace(labelled, stored.version)
        except Changed:
            continue

async def main():
    stores = open_stores(Path(sys.argv[1]))
    first = int(sys.argv[2])
    for number in range(first, first + 50):
        await label(stores.projects, str(number))
        await stores.audit_log.append(an_audit_event(number))
    await stores.close()

asyncio.run(main())
"""


async def test_two_processes_change_one_project(tmp_path):
    """Each reads again after Changed: no change of either is lost, nor an event of the audit log."""
    stores = open_stores(tmp_path)
    await stores.projects.insert(a_project(1))
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", LABELLER, tmp_path, first, cwd=ROOT)
        for first in ("0", "50")
    ]
    assert [await writer.wait() for writer in writers] == [0, 0]
    labels = (await stores.projects.get(an_id(1))).value.labels
    events = await stores.audit_log.list(AuditFilter(), limit=999)
    await stores.close()
    assert sorted(map(int, labels)) == list(range(100))
    assert len(events) == 100


@pytest.mark.parametrize("number", range(2))
async def test_bytes_past_the_committed_length_are_not_read(tmp_path, number):
    """What a killed append left in the file is neither read nor in the way of the next append."""
    stores = open_stores(tmp_path)
    await stores.blobs.append("journals/b/0", b"one\n")
    file = next((tmp_path / "blobs").iterdir())
    with file.open("ab") as torn:
        torn.write(b"torn and long")
    if number:
        await stores.blobs.append("journals/b/0", b"two\n")
    read = await read_all(stores, "journals/b/0")
    await stores.close()
    assert read == (b"one\ntwo\n" if number else b"one\n")
