"""Damaged databases of a data folder are told from those that a crash left behind."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from local_host.durable.history import History
from local_host.stores.database_check import DatabaseDamaged, check_databases
from local_host.stores.store_database import StoreDatabase
from local_host.stores.stores import open_stores
from local_host.stores.wal_check import lost_commits
from tests.contracts.samples import a_file

COMMITS = 12


@pytest.fixture
async def crashed(tmp_path: Path) -> Path:
    """A data folder as a kill leaves it: every change is in the WAL only."""
    stores = open_stores(tmp_path / "live")
    for number in range(COMMITS):
        await stores.files.insert(a_file(number))
    folder = tmp_path / "crashed"
    folder.mkdir()
    for path in (tmp_path / "live").glob("stores.db*"):
        shutil.copy(path, folder)
    await stores.close()
    History(folder / "history.db").close()
    return folder


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def refusal(folder: Path) -> str | None:
    try:
        check_databases(folder)
    except DatabaseDamaged as error:
        return str(error)
    return None


async def files_after(folder: Path) -> int:
    """What SQLite finds there."""
    stores = open_stores(folder)
    files = await stores.files.list("project-a", limit=100)
    await stores.close()
    return len(files)


async def test_what_a_kill_leaves_is_sound(crashed: Path) -> None:
    """Nothing is said, and everything is there."""
    check_databases(crashed)
    assert await files_after(crashed) == COMMITS


async def test_a_torn_end_is_no_damage(crashed: Path) -> None:
    """However short: a crash may have cut the last write anywhere."""
    wal = crashed / "stores.db-wal"
    whole = wal.read_bytes()
    for length in [*range(64), *range(64, len(whole), 997)]:
        wal.write_bytes(whole[:length])
        assert lost_commits(wal) == 0


async def test_a_torn_last_change_is_no_damage(crashed: Path) -> None:
    """Its commit may have reached the disk before its pages did: SQLite goes on without it, as after any power cut."""
    flip(crashed / "stores.db-wal", (crashed / "stores.db-wal").stat().st_size - 1)
    check_databases(crashed)
    assert await files_after(crashed) == COMMITS - 1


async def test_one_bit_of_a_log_is_found(crashed: Path, tmp_path: Path) -> None:
    """At any place: either the start is refused, or SQLite loses no more than the last commit."""
    size = (crashed / "stores.db-wal").stat().st_size
    dice, refused = random.Random(11), 0
    for number, position in enumerate([0, 5, 17, 25, 33, 41, *(dice.randrange(32, size) for _ in range(34))]):
        folder = tmp_path / f"flipped{number}"
        shutil.copytree(crashed, folder)
        flip(folder / "stores.db-wal", position)
        if said := refusal(folder):
            refused += 1
            assert "stores.db-wal is damaged" in said
            assert "move stores.db-wal away" in said
            assert (folder / "stores.db-wal").stat().st_size == size, "looking must change nothing"
        else:
            assert await files_after(folder) >= COMMITS - 1, position
    assert refused > 30


@pytest.mark.parametrize(("name", "advice"), [("stores.db", "Put a copy"), ("history.db", "goes on from its records")])
@pytest.mark.parametrize("damage", ["garbage", "header", "page"])
async def test_a_damaged_database_says_what_to_do(crashed: Path, name: str, advice: str, damage: str) -> None:
    """Its name, what SQLite says of it, and the way out."""
    path = crashed / name
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    if damage == "garbage":
        path.write_bytes(b"no database at all" * 1000)
    elif damage == "header":
        flip(path, 3)
    else:
        data = bytearray(path.read_bytes())
        data[4096:8192] = bytes(4096)
        path.write_bytes(data)
    with pytest.raises(DatabaseDamaged, match=f"{name} is damaged .*{advice}"):
        check_databases(crashed)


def test_an_empty_folder_is_sound(tmp_path: Path) -> None:
    """The first start."""
    check_databases(tmp_path)


async def test_the_log_is_emptied_when_idle(tmp_path: Path) -> None:
    """A moment after the last change the database alone has it all: a lost log costs nothing."""
    database = StoreDatabase(tmp_path / "live.db", "CREATE TABLE notes (note)", idle_seconds=0.05)
    await database.write(lambda connection: connection.execute("INSERT INTO notes VALUES (1)"))
    await asyncio.sleep(0.5)
    copy = shutil.copy(tmp_path / "live.db", tmp_path / "copy.db")
    database.close()
    with closing(sqlite3.connect(copy)) as copied:
        assert copied.execute("SELECT count(*) FROM notes").fetchall() == [(1,)]
