"""What only the local stores promise: behaviour on a failing disk, group commit, several openers, the daily sweep."""

import asyncio
import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_host.durable.history import DataFolderLock
from local_host.stores.disk_blobs import DiskBlobs
from local_host.stores.stores import open_stores
from shared.domain.batches.chunk import ChunkRow
from shared.domain.errors import StorageFull, Unavailable
from shared.ports.base import AlreadyExists, BlobMissing, Changed
from tests.azurite import ROOT
from tests.contracts.samples import a_file

DAY = 86_400


@pytest.fixture
async def local(tmp_path):
    stores = open_stores(tmp_path)
    yield stores
    await stores.close()


@pytest.fixture
def in_pieces(local):
    """The same blobs, read four bytes at a time."""
    return DiskBlobs(local.blobs._database, local.blobs._folder, read_bytes=4)


async def read_all(stores, name, start=0, length=None):
    return b"".join([piece async for piece in stores.blobs.read(name, start, length)])


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def lasting(runner, tmp_path_factory):
    """Stores for all examples of a property, on the loop of `runner`."""
    stores = open_stores(tmp_path_factory.mktemp("data"))
    yield stores
    runner.run(stores.close())


@settings(max_examples=60)
@given(
    blocks=st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    start=st.integers(0, 350),
    length=st.none() | st.integers(0, 350),
    span=st.integers(1, 50),
)
def test_any_range_of_any_blocks_reads_as_of_bytes(runner, lasting, blocks, start, length, span):
    """`read` is slicing, however the blob is cut into blocks and the range into pieces."""

    async def pieces() -> list[bytes]:
        name = f"files/{uuid.uuid4().hex}"
        block_ids = [str(index) for index in range(len(blocks))]
        staging = zip(block_ids, blocks, strict=True)
        await asyncio.gather(*(lasting.blobs.stage_block(name, block_id, block) for block_id, block in staging))
        await lasting.blobs.commit_blocks(name, block_ids)
        reading = DiskBlobs(lasting.blobs._database, lasting.blobs._folder, read_bytes=span)
        return [piece async for piece in reading.read(name, start, length)]

    read = runner.run(pieces())
    end = None if length is None else start + length
    assert b"".join(read) == b"".join(blocks)[start:end]
    assert all(0 < len(piece) <= span for piece in read)


async def test_a_full_disk_is_unavailable_and_leaves_nothing(local, tmp_path, monkeypatch):
    """The message says what to do; the half-written block is gone, so that it takes no space."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="disk is full"):
        await local.blobs.stage_block("files/a", "0", b"x" * 1000)
    assert list((tmp_path / "blobs").iterdir()) == []


async def test_a_full_database_says_so(local):
    """A database that may not grow is full as a disk is: the same kind of error, and reading goes on."""

    def bound(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await local.files._database.write(bound)
    with pytest.raises(StorageFull, match="free some space"):
        await local.files.insert(a_file(filename="x" * 200_000))
    assert await local.files.list("project-a", limit=1) == []


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from local_host.stores.stores import open_stores
from shared.domain.errors import Unavailable
from tests.contracts.samples import a_file

async def fill(stores, number):
    while True:
        try:
            await stores.files.insert(a_file(number, filename="x" * 20_000))
        except Unavailable:
            return number
        number += 1

async def main():
    stores = open_stores(Path(sys.argv[1]))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    failed = await fill(stores, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await stores.files.insert(a_file(failed))
    listed = await stores.files.list("project-a", limit=10_000)
    assert len(listed) == failed + 1 > 5, (len(listed), failed)
    await stores.close()

asyncio.run(main())
"""


def test_a_full_database_recovers(tmp_path):
    """Records up to the one that did not fit stay; once there is space again, writing goes on."""
    process = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert process.returncode == 0, process.stderr


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    """A file in the way of the data folder: one clear error, not a traceback of the database."""
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(Unavailable, match="data folder cannot be used"):
        open_stores(tmp_path / "data")


def test_a_database_that_is_none_is_unavailable(tmp_path):
    """A damaged database is told at the start."""
    (tmp_path / "stores.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        open_stores(tmp_path)


async def test_a_failing_write_does_not_disturb_its_neighbours(local):
    """Of writes that share a commit, one that raises is undone alone."""
    await local.files.insert(a_file(5))
    outcomes = await asyncio.gather(*(local.files.insert(a_file(n)) for n in range(10)), return_exceptions=True)
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, AlreadyExists)] == [5]
    assert len(await local.files.list("project-a", limit=100)) == 10


async def test_a_write_that_raises_is_undone(local):
    """What it had changed before it raised is not committed with its neighbours."""

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO upkeep VALUES ('half', 0)")
        raise Changed

    def whole(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO upkeep VALUES ('whole', 0)")

    database = local.files._database
    await asyncio.gather(database.write(half), database.write(whole), return_exceptions=True)
    rows = await database.read(lambda connection: connection.execute("SELECT name FROM upkeep").fetchall())
    assert ("whole",) in rows
    assert ("half",) not in rows


async def test_a_caller_that_gives_up_does_not_stop_the_others(local):
    """Cancelled while waiting for the commit; later writes go through."""
    waiting = [asyncio.create_task(local.files.insert(a_file(n))) for n in range(10)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await local.files.insert(a_file(99))
    assert await local.files.get("project-a", a_file(99).id) is not None


async def test_two_openers_of_one_folder_see_each_other(local, tmp_path):
    """What one wrote the other reads, and of two writers at one version the second loses."""
    other = open_stores(tmp_path)
    version = await local.chunks.put(ChunkRow(batch_id="b", index=0), None)
    await other.chunks.put(ChunkRow(batch_id="b", index=0, completed=1), version)
    with pytest.raises(Changed):
        await local.chunks.put(ChunkRow(batch_id="b", index=0, completed=2), version)
    await other.close()


async def test_a_blob_replaced_while_it_is_read_is_read_on(in_pieces):
    """A second `put` of the same bytes, as a repeated activity makes it, does not break a reader."""
    await in_pieces.put("plans/b", b"the same bytes")
    pieces = in_pieces.read("plans/b")
    first = await anext(pieces)
    await in_pieces.put("plans/b", b"the same bytes")
    assert first + b"".join([piece async for piece in pieces]) == b"the same bytes"


async def test_a_blob_replaced_by_a_shorter_one_ends_its_reader(in_pieces):
    """The reader stops at the new end; it does not wait for bytes that will never come."""
    await in_pieces.put("plans/b", b"a long plan")
    pieces = in_pieces.read("plans/b")
    await anext(pieces)
    await in_pieces.put("plans/b", b"ab")
    assert [piece async for piece in pieces] == []


async def test_a_blob_deleted_while_it_is_read_is_missing(in_pieces):
    """BlobMissing, also after the first piece."""
    await in_pieces.put("plans/b", b"some bytes")
    pieces = in_pieces.read("plans/b")
    await anext(pieces)
    await in_pieces.delete("plans/b")
    with pytest.raises(BlobMissing):
        await anext(pieces)


async def test_bytes_removed_from_outside_are_missing(local, tmp_path):
    """A file someone deleted from the data folder: BlobMissing, not an endless search."""
    await local.blobs.put("plans/b", b"some bytes")
    next((tmp_path / "blobs").iterdir()).unlink()
    with pytest.raises(BlobMissing):
        await read_all(local, "plans/b")


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("loss", ["lost", "cut"])
async def test_the_size_is_of_bytes_that_are_there(local, tmp_path, number, loss):
    """Whichever block was lost or cut: found out before the first byte is sent, not in the middle (`size`)."""
    await local.blobs.stage_block("files/a", "0", b"first")
    await local.blobs.stage_block("files/a", "1", b"next")
    await local.blobs.commit_blocks("files/a", ["0", "1"])
    assert await local.blobs.size("files/a") == 9
    file = sorted((tmp_path / "blobs").iterdir(), key=lambda path: path.stat().st_size)[number]
    file.unlink() if loss == "lost" else file.write_bytes(b"x")
    with pytest.raises(BlobMissing):
        await local.blobs.size("files/a")


async def test_no_file_stays_behind(local, tmp_path):
    """Replaced, dropped and deleted bytes leave the disk at once."""
    for block_id in ("0", "0", "1"):
        await local.blobs.stage_block("files/a", block_id, b"x")
    await local.blobs.commit_blocks("files/a", ["0"])
    await local.blobs.put("plans/b", b"1")
    await local.blobs.put("plans/b", b"2")
    await local.blobs.append("journals/b/0", b"x")
    assert len(list((tmp_path / "blobs").iterdir())) == 3
    for name in ("files/a", "plans/b", "journals/b/0"):
        await local.blobs.delete(name)
    assert list((tmp_path / "blobs").iterdir()) == []


def lost(tmp_path):
    """What is set aside, without its day."""
    return sorted(path.name for path in (tmp_path / "lost+found").glob("*/*"))


async def an_orphan(local, tmp_path, written_at, name="orphan"):
    """A file that no row names, beside one that a row does."""
    await local.blobs.put("plans/b", b"x")
    orphan = tmp_path / "blobs" / name
    orphan.write_bytes(b"x")
    os.utime(orphan, (written_at, written_at))
    return orphan


@pytest.mark.parametrize(("age_days", "kept"), [(0.5, True), (2, False)])
async def test_sweep_sets_old_orphans_aside(local, tmp_path, age_days, kept):
    """A file without a record may belong to a write in progress until it is a day old; then it is moved, not deleted."""
    now = time.time() + 10 * DAY
    orphan = await an_orphan(local, tmp_path, now - age_days * DAY)
    local.blobs.sweep(now)
    assert orphan.exists() is kept
    assert lost(tmp_path) == ([] if kept else ["orphan"])


@pytest.mark.parametrize(("days", "kept"), [(29, True), (32, False)])
async def test_what_was_set_aside_is_deleted_after_a_month(local, tmp_path, days, kept):
    """Not before."""
    now = time.time() + 10 * DAY
    await an_orphan(local, tmp_path, now - 2 * DAY)
    local.blobs.sweep(now)
    local.blobs.sweep(now + days * DAY)
    assert lost(tmp_path) == (["orphan"] if kept else [])


@pytest.mark.parametrize("loss", ["lost", "emptied"])
async def test_a_database_that_knows_nothing_sweeps_nothing(tmp_path, caplog, loss):
    """Lost or emptied with all bytes there: the next starts say so and leave them, however old they are."""
    stores = open_stores(tmp_path)
    await stores.blobs.put("plans/b", b"x")
    await stores.close()
    (file,) = (tmp_path / "blobs").iterdir()
    os.utime(file, (1, 1))
    if loss == "lost":
        for path in tmp_path.glob("stores.db*"):
            path.unlink()
    else:
        with sqlite3.connect(tmp_path / "stores.db") as connection:
            connection.execute("DELETE FROM blobs")
            connection.execute("DELETE FROM upkeep")
        connection.close()
    again = open_stores(tmp_path)
    assert [record.action for record in caplog.records] == ["sweep_refused"]
    assert "restore a copy" in caplog.text
    await again.blobs.put("plans/c", b"y")
    again.blobs.sweep(time.time() + 2 * DAY)
    await again.close()
    assert file.exists()
    if loss == "lost":
        assert lost(tmp_path) == []


async def test_a_restored_database_gets_its_bytes_back(tmp_path):
    """Set aside under an older copy, named again by the newer one."""
    stores = open_stores(tmp_path)
    await stores.blobs.put("plans/old", b"old")
    await stores.close()
    shutil.copy(tmp_path / "stores.db", tmp_path / "older")
    stores = open_stores(tmp_path)
    await stores.blobs.put("plans/new", b"new")
    await stores.close()
    shutil.copy(tmp_path / "stores.db", tmp_path / "newer")
    shutil.copy(tmp_path / "older", tmp_path / "stores.db")
    stores = open_stores(tmp_path)
    stores.blobs.sweep(time.time() + 2 * DAY)
    await stores.close()
    assert len(lost(tmp_path)) == 1
    shutil.copy(tmp_path / "newer", tmp_path / "stores.db")
    stores = open_stores(tmp_path)
    assert await read_all(stores, "plans/new") == b"new"
    await stores.close()


async def test_everything_is_private(tmp_path):
    """Folders 0700, files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        data = tmp_path / "data"
        lock = DataFolderLock(data)
        stores = open_stores(data)
        await stores.blobs.put("plans/b", b"x")
        await stores.blobs.append("journals/b/0", b"x")
        await stores.files.insert(a_file(1))
        orphan = await an_orphan(stores, data, time.time() + DAY / 2)
        stores.blobs.sweep(time.time() + 2 * DAY)
        assert not orphan.exists()
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [data, *data.rglob("*")] if path.name != "orphan"}
        wrong = {path: oct(mode) for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)}
        assert wrong == {}
        assert data / "stores.db-wal" in modes
        await stores.close()
        lock.release()
    finally:
        os.umask(before)


def an_open_folder(tmp_path):
    """As an older version left it."""
    data = tmp_path / "data"
    (data / "blobs").mkdir(parents=True)
    for path in (data / "stores.db-wal", data / "blobs" / "a", data / "bootstrap-key", data / "key-pepper"):
        path.write_bytes(b"")
        path.chmod(0o644)
    for folder in (data / "blobs", data):
        folder.chmod(0o755)
    return data


def test_an_open_folder_is_closed_at_the_start(tmp_path):
    """All that is in it."""
    data = an_open_folder(tmp_path)
    DataFolderLock(data).release()
    assert {stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")} == {0o700, 0o600}
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_what_is_not_ours_keeps_its_mode(tmp_path):
    """A folder given with --data that holds other things: they and the folder itself stay as they are."""
    data = an_open_folder(tmp_path)
    (data / "script").write_bytes(b"")
    (data / "script").chmod(0o755)
    DataFolderLock(data).release()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (data, data / "script", data / "blobs" / "a")] == [
        0o755,
        0o755,
        0o600,
    ]


@pytest.mark.parametrize(("age_days", "kept"), [(6, True), (8, False)])
async def test_sweep_drops_uploads_given_up_a_week_ago(local, tmp_path, age_days, kept):
    """Staged blocks live for a week."""
    await local.blobs.stage_block("files/a", "0", b"x")
    local.blobs.sweep(time.time() + age_days * DAY)
    assert bool(list((tmp_path / "blobs").iterdir())) is kept


async def test_sweep_spares_what_is_committed(local):
    """However old."""
    await local.blobs.put("plans/b", b"x")
    await local.blobs.append("journals/b/0", b"y")
    local.blobs.sweep(time.time() + 1000 * DAY)
    assert await read_all(local, "plans/b") + await read_all(local, "journals/b/0") == b"xy"


async def test_sweep_runs_once_a_day(local, tmp_path):
    """The second opener of a day does not look again."""
    now = time.time() + 10 * DAY
    local.blobs.sweep(now)
    orphan = await an_orphan(local, tmp_path, now - 2 * DAY)
    local.blobs.sweep(now + 0.5 * DAY)
    assert orphan.exists()


async def test_a_call_after_close_raises(tmp_path):
    """It does not wait for ever."""
    stores = open_stores(tmp_path)
    await stores.close()
    with pytest.raises(RuntimeError):
        await stores.files.insert(a_file(1))
