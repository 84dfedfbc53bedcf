"""Blobs on a directory: bytes are files that are never changed below their committed length, names are rows in SQLite.

Rule: the row is the truth. A file is complete and fsynced before a row names it and is removed after no row names it;
what a crash leaves in between is an orphan, swept later. So committing blocks writes one row and copies nothing.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import msgspec

from local_host.store_database import StoreDatabase
from shared.ports import BlobMissing

SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, size INTEGER NOT NULL, pieces BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS staged_blocks (
    name TEXT NOT NULL, block_id TEXT NOT NULL, file TEXT NOT NULL, length INTEGER NOT NULL, staged_at REAL NOT NULL,
    PRIMARY KEY (name, block_id)
);
CREATE TABLE IF NOT EXISTS upkeep (name TEXT PRIMARY KEY, at REAL NOT NULL);
"""

READ_BYTES = 4 * 1024 * 1024
DAY_SECONDS = 86_400.0
UNCOMMITTED_SECONDS = 7 * DAY_SECONDS
_PAST_EVERY_NAME = "\U0010ffff"


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """`length` bytes of a blob, at the start of `file`; `block_id` is empty for what was put or appended."""

    block_id: str
    file: str
    length: int


class DiskBlobs:
    """`BlobStore`; rows in `database`, bytes in `folder`."""

    def __init__(self, database: StoreDatabase, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        file = await self._database.in_thread(lambda: self._write_file(data))
        block = (name, block_id, file, len(data), time.time())
        replaced = await self._database.write(lambda connection: _stage(connection, block))
        await self._remove_files(replaced)

    async def commit_blocks(self, name: str, block_ids: Sequence[str]) -> int:
        size, dropped = await self._database.write(lambda connection: _commit(connection, name, block_ids))
        await self._remove_files(dropped)
        return size

    async def put(self, name: str, data: bytes) -> None:
        file = await self._database.in_thread(lambda: self._write_file(data))
        piece = Piece("", file, len(data))
        dropped = await self._database.write(lambda connection: _replace(connection, name, [piece]))
        await self._remove_files(dropped)

    async def size(self, name: str) -> int:
        return sum(piece.length for piece in await self._pieces(name))

    async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        pieces = await self._pieces(name)
        end = sum(piece.length for piece in pieces)
        if length is not None:
            end = min(end, start + length)
        while start < end:
            try:
                data = await self._database.in_thread(lambda: self._read_span(pieces, start, end))  # noqa: B023
            except _FileGone:  # Replaced by another process while being read, or deleted.
                previous, pieces = pieces, await self._pieces(name)
                if pieces == previous:
                    raise BlobMissing(f"Bytes of {name} are missing in the data folder.") from None
                continue
            yield data
            start += len(data)

    async def append(self, name: str, data: bytes) -> None:
        await self._database.in_thread(lambda: self._append(name, data))

    async def delete(self, name: str) -> bool:
        found, files = await self._database.write(lambda connection: _delete(connection, name, name))
        await self._remove_files(files)
        return found

    async def delete_prefix(self, prefix: str) -> None:
        last = prefix + _PAST_EVERY_NAME
        _, files = await self._database.write(lambda connection: _delete(connection, prefix, last))
        await self._remove_files(files)

    def close(self) -> None:
        """Close the database, which the record stores share. Blocks."""
        self._database.close()

    def sweep(self, now: float) -> None:
        """Drop abandoned blocks and orphaned files, at most once a day. `now` is in unix seconds. Blocks."""
        if self._database.begin(lambda connection: _claim_sweep(connection, now)).result():
            named = self._database.begin(_every_file).result()
            for entry in os.scandir(self._folder):
                if entry.name not in named and entry.stat().st_mtime < now - DAY_SECONDS:
                    self._remove(entry.name)

    async def _pieces(self, name: str) -> list[Piece]:
        pieces = await self._database.read(lambda connection: _pieces(connection, name))
        if pieces is None:
            raise BlobMissing(f"There is no blob {name}.")
        return pieces

    def _read_span(self, pieces: Sequence[Piece], start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, cut to READ_BYTES, across as many files as it takes."""
        end, parts, piece_start = min(end, start + READ_BYTES), [], 0
        for piece in pieces:
            piece_end = piece_start + piece.length
            if start < piece_end and piece_start < end:
                parts.append(self._read_file(piece, max(start - piece_start, 0), min(end, piece_end) - piece_start))
            piece_start = piece_end
            if piece_start >= end:
                break
        return b"".join(parts)

    def _read_file(self, piece: Piece, start: int, end: int) -> bytes:
        try:
            with (self._folder / piece.file).open("rb") as file:
                file.seek(start)
                data = file.read(end - start)
        except FileNotFoundError:
            raise _FileGone from None
        if len(data) < end - start:
            raise OSError(f"{piece.file} is shorter than it was; it was changed from outside")
        return data

    def _write_file(self, data: bytes) -> str:
        """A new file of a name never used before, durable with its directory entry."""
        file = os.urandom(16).hex()
        try:
            with (self._folder / file).open("xb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            _sync_folder(self._folder)
        except OSError:
            self._remove(file)
            raise
        return file

    def _append(self, name: str, data: bytes) -> None:
        while True:
            pieces = _pieces(self._database.reading(), name)
            if self._create_appended(name, data) if pieces is None else self._extend(name, pieces[0].file, data):
                return

    def _create_appended(self, name: str, data: bytes) -> bool:
        """The first append. False if another was first."""
        piece = Piece("", self._write_file(data), len(data))
        created = self._database.begin(lambda connection: _insert(connection, name, piece)).result()
        if not created:
            self._remove(piece.file)
        return created

    def _extend(self, name: str, file: str, data: bytes) -> bool:
        """Write past the committed length, under a lock between processes, then commit. False: look again.

        Bytes past the committed length (of an append that never returned) are overwritten.
        """
        try:
            handle = (self._folder / file).open("r+b")
        except FileNotFoundError:
            if _pieces(self._database.reading(), name) is None:
                return False
            raise
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            pieces = _pieces(self._database.reading(), name)
            if pieces is None or pieces[0].file != file:
                return False
            handle.seek(pieces[0].length)
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
            grown = Piece("", file, pieces[0].length + len(data))
            return self._database.begin(lambda connection: _grow(connection, name, pieces[0], grown)).result()

    async def _remove_files(self, files: Sequence[str]) -> None:
        if files:
            await self._database.in_thread(lambda: self._remove(*files))

    def _remove(self, *files: str) -> None:
        for file in files:
            (self._folder / file).unlink(missing_ok=True)


class _FileGone(Exception):
    """A file a row named a moment ago is no longer there."""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(connection: sqlite3.Connection, name: str) -> list[Piece] | None:
    row = connection.execute("SELECT pieces FROM blobs WHERE name = ?", (name,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=list[Piece])


def _staged(connection: sqlite3.Connection, name: str) -> list[Piece]:
    query = "SELECT block_id, file, length FROM staged_blocks WHERE name = ?"
    return [Piece(*row) for row in connection.execute(query, (name,))]


def _stage(connection: sqlite3.Connection, block: tuple[str, str, str, int, float]) -> list[str]:
    """Keep the block; returns the file it replaces, if any."""
    query = "SELECT file FROM staged_blocks WHERE name = ? AND block_id = ?"
    replaced = [file for (file,) in connection.execute(query, block[:2])]
    connection.execute("INSERT OR REPLACE INTO staged_blocks VALUES (?, ?, ?, ?, ?)", block)
    return replaced


def _commit(connection: sqlite3.Connection, name: str, block_ids: Iterable[str]) -> tuple[int, list[str]]:
    """Returns the blob's size and the files it no longer needs. A staged block wins over a committed one."""
    known = {piece.block_id: piece for piece in [*(_pieces(connection, name) or []), *_staged(connection, name)]}
    try:
        pieces = [known[block_id] for block_id in block_ids]
    except KeyError as missing:
        raise BlobMissing(f"{name} has no block {missing}, neither staged nor committed.") from None
    return sum(piece.length for piece in pieces), _replace(connection, name, pieces)


def _replace(connection: sqlite3.Connection, name: str, pieces: list[Piece]) -> list[str]:
    """Make the blob exactly these pieces; returns the files it no longer needs."""
    before = [*(_pieces(connection, name) or []), *_staged(connection, name)]
    connection.execute("DELETE FROM staged_blocks WHERE name = ?", (name,))
    size = sum(piece.length for piece in pieces)
    connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", (name, size, msgspec.json.encode(pieces)))
    needed = {piece.file for piece in pieces}
    return [piece.file for piece in before if piece.file not in needed]


def _insert(connection: sqlite3.Connection, name: str, piece: Piece) -> bool:
    values = (name, piece.length, msgspec.json.encode([piece]))
    return connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", values).rowcount > 0


def _grow(connection: sqlite3.Connection, name: str, before: Piece, after: Piece) -> bool:
    query = "UPDATE blobs SET size = ?, pieces = ? WHERE name = ? AND pieces = ?"
    values = (after.length, msgspec.json.encode([after]), name, msgspec.json.encode([before]))
    return connection.execute(query, values).rowcount > 0


def _delete(connection: sqlite3.Connection, first: str, last: str) -> tuple[bool, list[str]]:
    """Remove the blobs and blocks of every name from `first` to `last`; returns if there were any, and their files."""
    rows = connection.execute("DELETE FROM blobs WHERE name BETWEEN ? AND ? RETURNING pieces", (first, last)).fetchall()
    query = "DELETE FROM staged_blocks WHERE name BETWEEN ? AND ? RETURNING file"
    staged = [file for (file,) in connection.execute(query, (first, last))]
    committed = [piece.file for (pieces,) in rows for piece in msgspec.json.decode(pieces, type=list[Piece])]
    return bool(rows or staged), committed + staged


def _claim_sweep(connection: sqlite3.Connection, now: float) -> bool:
    """True for one caller a day; drops the blocks of uploads that were given up a week ago."""
    last = connection.execute("SELECT at FROM upkeep WHERE name = 'sweep'").fetchone()
    if last is not None and last[0] > now - DAY_SECONDS:
        return False
    connection.execute("INSERT OR REPLACE INTO upkeep VALUES ('sweep', ?)", (now,))
    given_up = "SELECT name FROM staged_blocks GROUP BY name HAVING max(staged_at) < ?"
    connection.execute(f"DELETE FROM staged_blocks WHERE name IN ({given_up})", (now - UNCOMMITTED_SECONDS,))
    return True


def _every_file(connection: sqlite3.Connection) -> set[str]:
    files = {file for (file,) in connection.execute("SELECT file FROM staged_blocks")}
    for (pieces,) in connection.execute("SELECT pieces FROM blobs"):
        files.update(piece.file for piece in msgspec.json.decode(pieces, type=list[Piece]))
    return files
