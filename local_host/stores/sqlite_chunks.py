"""Chunk rows in SQLite."""

from __future__ import annotations

import msgspec

from local_host.stores.sqlite_rows import conditional, find
from local_host.stores.store_database import StoreDatabase
from shared.domain.batches.chunk import ChunkRow
from shared.ports.base import Stored
from shared.stored_records import read_record

SCHEMA = """
CREATE TABLE IF NOT EXISTS chunk_rows (
    batch_id TEXT NOT NULL, chunk INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (batch_id, chunk)
) WITHOUT ROWID;
"""


class SqliteChunks:
    """`ChunkStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def put(self, row: ChunkRow, version: str | None) -> str:
        record = msgspec.json.encode(row)
        if version is None:
            query = "INSERT OR IGNORE INTO chunk_rows VALUES (?, ?, 1, ?) RETURNING version"
            values: tuple[object, ...] = (row.batch_id, row.index, record)
        else:
            query = """UPDATE chunk_rows SET record = ?, version = version + 1
                       WHERE batch_id = ? AND chunk = ? AND version = ? RETURNING version"""
            values = (record, row.batch_id, row.index, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def get(self, batch_id: str, index: int) -> Stored[ChunkRow] | None:
        query = "SELECT record, version FROM chunk_rows WHERE batch_id = ? AND chunk = ?"
        return await find(self._database, query, (batch_id, index), ChunkRow)

    async def delete_all(self, batch_id: str) -> None:
        query = "DELETE FROM chunk_rows WHERE batch_id = ?"
        await self._database.write(lambda connection: connection.execute(query, (batch_id,)).rowcount)

    async def list(self, batch_id: str) -> list[ChunkRow]:
        query = "SELECT record FROM chunk_rows WHERE batch_id = ? ORDER BY chunk"
        rows = await self._database.read(lambda connection: connection.execute(query, (batch_id,)).fetchall())
        return [read_record(record, ChunkRow) for (record,) in rows]
