"""The rows behind the blobs of the local host: which files hold the bytes of which name, committed or staged.

Each function is one step inside a transaction of the caller's and says which files nothing names any more. It notes
them as `dropped_files` in the same step: whoever is killed before the files are removed leaves them to the next start.
Touches no file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from shared.ports.base import BlobMissing

SCHEMA = """
CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, size INTEGER NOT NULL, pieces BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS staged_blocks (
    name TEXT NOT NULL, block_id TEXT NOT NULL, file TEXT NOT NULL, length INTEGER NOT NULL, staged_at REAL NOT NULL,
    PRIMARY KEY (name, block_id)
);
CREATE TABLE IF NOT EXISTS dropped_files (file TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS upkeep (name TEXT PRIMARY KEY, at REAL NOT NULL);
"""

DAY_SECONDS = 86_400.0
UNCOMMITTED_SECONDS = 7 * DAY_SECONDS
PAST_EVERY_NAME = "\U0010ffff"


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """`length` bytes of a blob in `file`, after a `head`; `block_id` is empty for what was put or appended.

    With a head it is an `append_file`, which tells its length itself; of older ones without, the row tells it.
    """

    block_id: str
    file: str
    length: int
    head: int = 0


def committed(connection: sqlite3.Connection, name: str) -> list[Piece] | None:
    row = connection.execute("SELECT pieces FROM blobs WHERE name = ?", (name,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=list[Piece])


def staged(connection: sqlite3.Connection, name: str) -> list[Piece]:
    query = "SELECT block_id, file, length FROM staged_blocks WHERE name = ?"
    return [Piece(*row) for row in connection.execute(query, (name,))]


def stage(connection: sqlite3.Connection, block: tuple[str, str, str, int, float]) -> list[str]:
    """Keep the block; returns the file it replaces, if any."""
    query = "SELECT file FROM staged_blocks WHERE name = ? AND block_id = ?"
    replaced = [file for (file,) in connection.execute(query, block[:2])]
    connection.execute("INSERT OR REPLACE INTO staged_blocks VALUES (?, ?, ?, ?, ?)", block)
    return _dropped(connection, replaced)


def commit(connection: sqlite3.Connection, name: str, block_ids: Iterable[str]) -> tuple[int, list[str]]:
    """Returns the blob's size and the files it no longer needs. A staged block wins over a committed one."""
    known = {piece.block_id: piece for piece in [*(committed(connection, name) or []), *staged(connection, name)]}
    try:
        pieces = [known[block_id] for block_id in block_ids]
    except KeyError as missing:
        raise BlobMissing(f"{name} has no block {missing}, neither staged nor committed.") from None
    return sum(piece.length for piece in pieces), replace(connection, name, pieces)


def replace(connection: sqlite3.Connection, name: str, pieces: list[Piece]) -> list[str]:
    """Make the blob exactly these pieces; returns the files it no longer needs."""
    before = [*(committed(connection, name) or []), *staged(connection, name)]
    connection.execute("DELETE FROM staged_blocks WHERE name = ?", (name,))
    values = (name, sum(piece.length for piece in pieces), msgspec.json.encode(pieces))
    connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?)", values)
    needed = {piece.file for piece in pieces}
    return _dropped(connection, [piece.file for piece in before if piece.file not in needed])


def insert(connection: sqlite3.Connection, name: str, piece: Piece) -> bool:
    values = (name, piece.length, msgspec.json.encode([piece]))
    return connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", values).rowcount > 0


def swap(connection: sqlite3.Connection, name: str, before: Piece, after: Piece) -> bool:
    """Put a blob of one piece in another's place, if that is still what the row says."""
    if committed(connection, name) != [before]:
        return False
    replace(connection, name, [after])
    return True


def delete(connection: sqlite3.Connection, first: str, last: str) -> tuple[bool, list[str]]:
    """Remove the blobs and blocks of every name from `first` to `last`; returns if there were any, and their files."""
    rows = connection.execute("DELETE FROM blobs WHERE name BETWEEN ? AND ? RETURNING pieces", (first, last)).fetchall()
    query = "DELETE FROM staged_blocks WHERE name BETWEEN ? AND ? RETURNING file"
    files = [file for (file,) in connection.execute(query, (first, last))]
    found = bool(rows or files)
    for (pieces,) in rows:
        files += [piece.file for piece in msgspec.json.decode(pieces, type=list[Piece])]
    return found, _dropped(connection, files)


def _dropped(connection: sqlite3.Connection, files: list[str]) -> list[str]:
    connection.executemany("INSERT OR IGNORE INTO dropped_files VALUES (?)", [(file,) for file in files])
    return files


def all_dropped(connection: sqlite3.Connection) -> list[str]:
    """Files that no row names any more, and that may still be there."""
    return [file for (file,) in connection.execute("SELECT file FROM dropped_files")]


def forget_dropped(connection: sqlite3.Connection, files: Iterable[str]) -> None:
    """They are gone."""
    connection.executemany("DELETE FROM dropped_files WHERE file = ?", [(file,) for file in files])


def names(connection: sqlite3.Connection, first: str, last: str, position: str) -> list[str]:
    """Names of a page of blobs from `first` to `last`, past `position`."""
    query = "SELECT name FROM blobs WHERE name BETWEEN ? AND ? AND name > ? ORDER BY name LIMIT 200"
    return [name for (name,) in connection.execute(query, (first, last, position))]


class Sweep(msgspec.Struct, frozen=True):
    """`given_up`: files of uploads that were given up a week ago, of which no row is left. `made_at`: the database."""

    given_up: list[str]
    made_at: float


def claim_sweep(connection: sqlite3.Connection, now: float) -> Sweep | None:
    """For one caller a day; drops the blocks of uploads that were given up."""
    last = connection.execute("SELECT at FROM upkeep WHERE name = 'sweep'").fetchone()
    if last is not None and last[0] > now - DAY_SECONDS:
        return None
    connection.execute("INSERT OR REPLACE INTO upkeep VALUES ('sweep', ?)", (now,))
    given_up = "SELECT name FROM staged_blocks GROUP BY name HAVING max(staged_at) < ?"
    query = f"DELETE FROM staged_blocks WHERE name IN ({given_up}) RETURNING file"
    files = [file for (file,) in connection.execute(query, (now - UNCOMMITTED_SECONDS,))]
    return Sweep(given_up=_dropped(connection, files), made_at=_made_at(connection, now))


def _made_at(connection: sqlite3.Connection, now: float) -> float:
    """When the database was made, in unix seconds; 0 for one that had bytes before this was written down."""
    knows_bytes = "SELECT EXISTS (SELECT 1 FROM blobs) OR EXISTS (SELECT 1 FROM staged_blocks)"
    query = f"INSERT OR IGNORE INTO upkeep SELECT 'made', CASE WHEN ({knows_bytes}) THEN 0.0 ELSE ? END"
    connection.execute(query, (now,))
    return float(connection.execute("SELECT at FROM upkeep WHERE name = 'made'").fetchone()[0])


def every_file(connection: sqlite3.Connection) -> set[str]:
    files = {file for (file,) in connection.execute("SELECT file FROM staged_blocks")}
    for (pieces,) in connection.execute("SELECT pieces FROM blobs"):
        files.update(piece.file for piece in msgspec.json.decode(pieces, type=list[Piece]))
    return files
