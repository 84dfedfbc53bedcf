"""File and batch records in SQLite: the record as JSON in a BLOB, beside it the columns that queries need.

Passes the conformance suite of `shared.ports` (tests/contracts). Holds no rule of the product.
"""

from __future__ import annotations

import builtins
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from local_host.stores.store_database import StoreDatabase
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.files.file import File
from shared.domain.pace.heartbeat import Heartbeat
from shared.ports import AlreadyExists, Changed, Stored
from shared.stored_records import read_if_sound, read_record, sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    owner TEXT NOT NULL, id TEXT NOT NULL, purpose TEXT NOT NULL, expires_us INTEGER, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX IF NOT EXISTS files_by_expiry ON files (expires_us, owner, id) WHERE expires_us IS NOT NULL;
CREATE TABLE IF NOT EXISTS batches (
    owner TEXT NOT NULL, id TEXT NOT NULL, finished INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX IF NOT EXISTS batches_unfinished ON batches (owner, id) WHERE finished = 0;
CREATE TABLE IF NOT EXISTS chunk_rows (
    batch_id TEXT NOT NULL, chunk INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (batch_id, chunk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heartbeats (
    deployment TEXT NOT NULL, batch_id TEXT NOT NULL, lane INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (deployment, batch_id, lane)
) WITHOUT ROWID;
"""

_PAGE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_ALL_IDS = "g"  # Past every hex digit.


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


class SqliteFiles:
    """`FileStore`."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, file: File) -> None:
        expires_us = None if file.expires_at is None else _microseconds(file.expires_at)
        values = (file.owner, file.id, file.purpose, expires_us, msgspec.json.encode(file))
        await self._database.write(lambda connection: _insert(connection, "files", values))

    async def get(self, owner: str, file_id: str) -> File | None:
        query = "SELECT record FROM files WHERE owner = ? AND id = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (owner, file_id)).fetchone())
        return None if row is None else read_record(row[0], File)

    async def list(
        self, owner: str, *, purpose: str | None = None, after: str | None = None, limit: int, newest_first: bool = True
    ) -> list[File]:
        comparison, order, start = ("<", "DESC", _AFTER_ALL_IDS) if newest_first else (">", "ASC", "")
        query = f"""SELECT id, record FROM files WHERE owner = ? AND id {comparison} ? AND (? IS NULL OR purpose = ?)
                    ORDER BY id {order} LIMIT ?"""

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (owner, position or start, purpose, purpose, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, File, after, limit)

    async def delete(self, owner: str, file_id: str) -> bool:
        query = "DELETE FROM files WHERE owner = ? AND id = ?"
        return await self._database.write(lambda connection: connection.execute(query, (owner, file_id)).rowcount > 0)

    async def expired(self, now: datetime) -> AsyncIterator[File]:
        query = """SELECT expires_us, owner, id, record FROM files
                   WHERE expires_us <= ? AND (expires_us, owner, id) > (?, ?, ?)
                   ORDER BY expires_us, owner, id LIMIT ?"""
        position: tuple[int, str, str] = (-(1 << 62), "", "")
        while True:
            values = (_microseconds(now), *position, _PAGE)
            rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())  # noqa: B023
            for *found, record in rows:
                position = (found[0], found[1], found[2])
                if (file := read_if_sound(record, File, found[2])) is not None:
                    yield file
            if len(rows) < _PAGE:
                return

    async def every(self) -> AsyncIterator[File]:
        query = "SELECT owner, id, record FROM files WHERE (owner, id) > (?, ?) ORDER BY owner, id LIMIT ?"
        position = ("", "")
        while True:
            values = (*position, _PAGE)
            rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())  # noqa: B023
            for owner, file_id, record in rows:
                position = (owner, file_id)
                yield read_record(record, File)
            if len(rows) < _PAGE:
                return


class SqliteBatches:
    """`BatchStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, batch: Batch) -> None:
        values = (batch.owner, batch.id, batch.is_terminal, 1, msgspec.json.encode(batch))
        await self._database.write(lambda connection: _insert(connection, "batches", values))

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None:
        query = "SELECT record, version FROM batches WHERE owner = ? AND id = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (owner, batch_id)).fetchone())
        return None if row is None else Stored(read_record(row[0], Batch), str(row[1]))

    async def replace(self, batch: Batch, version: str) -> str:
        query = """UPDATE batches SET record = ?, finished = ?, version = version + 1
                   WHERE owner = ? AND id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(batch), batch.is_terminal, batch.owner, batch.id, int(version))
        return await self._database.write(lambda connection: _conditional(connection, query, values))

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        comparison, order, start = ("<", "DESC", _AFTER_ALL_IDS) if newest_first else (">", "ASC", "")
        query = f"SELECT id, record FROM batches WHERE owner = ? AND id {comparison} ? ORDER BY id {order} LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (owner, position or start, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, Batch, after, limit)

    async def unfinished(self) -> AsyncIterator[Batch]:
        query = """SELECT owner, id, record FROM batches INDEXED BY batches_unfinished
                   WHERE finished = 0 AND (owner, id) > (?, ?) ORDER BY owner, id LIMIT ?"""
        position = ("", "")
        while True:
            values = (*position, _PAGE)
            rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())  # noqa: B023
            for owner, batch_id, record in rows:
                position = (owner, batch_id)
                if (batch := read_if_sound(record, Batch, batch_id)) is not None:
                    yield batch
            if len(rows) < _PAGE:
                return

    async def put_chunk(self, row: ChunkRow, version: str | None) -> str:
        record = msgspec.json.encode(row)
        if version is None:
            query = "INSERT OR IGNORE INTO chunk_rows VALUES (?, ?, 1, ?) RETURNING version"
            values: tuple[object, ...] = (row.batch_id, row.index, record)
        else:
            query = """UPDATE chunk_rows SET record = ?, version = version + 1
                       WHERE batch_id = ? AND chunk = ? AND version = ? RETURNING version"""
            values = (record, row.batch_id, row.index, int(version))
        return await self._database.write(lambda connection: _conditional(connection, query, values))

    async def get_chunk(self, batch_id: str, index: int) -> Stored[ChunkRow] | None:
        query = "SELECT record, version FROM chunk_rows WHERE batch_id = ? AND chunk = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (batch_id, index)).fetchone())
        return None if row is None else Stored(read_record(row[0], ChunkRow), str(row[1]))

    async def list_chunks(self, batch_id: str) -> builtins.list[ChunkRow]:
        query = "SELECT record FROM chunk_rows WHERE batch_id = ? ORDER BY chunk"
        rows = await self._database.read(lambda connection: connection.execute(query, (batch_id,)).fetchall())
        return [read_record(record, ChunkRow) for (record,) in rows]

    async def beat(self, heartbeat: Heartbeat) -> None:
        query = "INSERT OR REPLACE INTO heartbeats VALUES (?, ?, ?, ?)"
        values = (heartbeat.deployment, heartbeat.batch_id, heartbeat.lane, msgspec.json.encode(heartbeat))
        await self._database.write(lambda connection: connection.execute(query, values).rowcount)

    async def claim_lane(self, heartbeat: Heartbeat, version: str | None) -> None:
        """The version is the record itself: no two beats are the same."""
        record = msgspec.json.encode(heartbeat)
        key = (heartbeat.deployment, heartbeat.batch_id, heartbeat.lane)
        if version is None:
            query = "INSERT OR IGNORE INTO heartbeats VALUES (?, ?, ?, ?) RETURNING lane"
            values: tuple[object, ...] = (*key, record)
        else:
            query = """UPDATE heartbeats SET record = ?
                       WHERE deployment = ? AND batch_id = ? AND lane = ? AND record = ? RETURNING lane"""
            values = (record, *key, version.encode())
        await self._database.write(lambda connection: _conditional(connection, query, values))

    async def get_heartbeat(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None:
        query = "SELECT record FROM heartbeats WHERE deployment = ? AND batch_id = ? AND lane = ?"
        key = (deployment, batch_id, lane)
        row = await self._database.read(lambda connection: connection.execute(query, key).fetchone())
        if row is None:
            return None
        beat = read_if_sound(row[0], Heartbeat, batch_id)
        if beat is not None:
            return Stored(beat, row[0].decode())
        await self._stop_beating(key)  # The lane beats anew.
        return None

    async def stop_beating(self, heartbeat: Heartbeat) -> None:
        await self._stop_beating((heartbeat.deployment, heartbeat.batch_id, heartbeat.lane))

    async def _stop_beating(self, key: tuple[str, str, int]) -> None:
        query = "DELETE FROM heartbeats WHERE deployment = ? AND batch_id = ? AND lane = ?"
        await self._database.write(lambda connection: connection.execute(query, key).rowcount)

    async def heartbeats(self, deployment: str, batch_id: str | None = None) -> builtins.list[Heartbeat]:
        condition = "" if batch_id is None else "AND batch_id = ?"
        query = f"SELECT record, batch_id FROM heartbeats WHERE deployment = ? {condition} ORDER BY batch_id, lane"
        values = (deployment,) if batch_id is None else (deployment, batch_id)
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        read = [read_if_sound(record, Heartbeat, of_batch) for record, of_batch in rows]
        return [beat for beat in read if beat is not None]


def _insert(connection: sqlite3.Connection, table: str, values: tuple[object, ...]) -> None:
    marks = ", ".join("?" * len(values))
    if connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values).rowcount == 0:
        raise AlreadyExists(f"{table}: {values[1]}")


def _conditional(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> str:
    rows = connection.execute(query, values).fetchall()
    if not rows:
        raise Changed("The record was changed by someone else since it was read; read it again.")
    return str(rows[0][0])
