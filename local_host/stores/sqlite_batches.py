"""Batch records in SQLite. The column `finished` says whether one is settled."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator

import msgspec

from local_host.stores.sqlite_rows import AFTER_ALL_IDS, conditional, find, insert, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.batches.batch import Batch
from shared.ports.base import Stored
from shared.stored_records import read_if_sound, sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    owner TEXT NOT NULL, id TEXT NOT NULL, finished INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX IF NOT EXISTS batches_unfinished ON batches (owner, id) WHERE finished = 0;
"""


class SqliteBatches:
    """`BatchStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, batch: Batch) -> None:
        values = (batch.owner, batch.id, batch.is_settled, 1, msgspec.json.encode(batch))
        await self._database.write(lambda connection: insert(connection, "batches", values))

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None:
        query = "SELECT record, version FROM batches WHERE owner = ? AND id = ?"
        return await find(self._database, query, (owner, batch_id), Batch)

    async def replace(self, batch: Batch, version: str) -> str:
        query = """UPDATE batches SET record = ?, finished = ?, version = version + 1
                   WHERE owner = ? AND id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(batch), batch.is_settled, batch.owner, batch.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def delete(self, owner: str, *batch_ids: str) -> None:
        query = "DELETE FROM batches WHERE owner = ? AND id = ?"
        rows = [(owner, batch_id) for batch_id in batch_ids]
        await self._database.write(lambda connection: connection.executemany(query, rows).rowcount)

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        comparison, order, start = ("<", "DESC", AFTER_ALL_IDS) if newest_first else (">", "ASC", "")
        query = f"SELECT id, record FROM batches WHERE owner = ? AND id {comparison} ? ORDER BY id {order} LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (owner, position or start, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, Batch, after, limit)

    async def owing(self) -> AsyncIterator[Batch]:
        async for batch in self._unsettled():
            if batch.is_terminal:
                yield batch

    async def unfinished(self) -> AsyncIterator[Batch]:
        async for batch in self._unsettled():
            if not batch.is_terminal:
                yield batch

    async def _unsettled(self) -> AsyncIterator[Batch]:
        query = """SELECT owner, id, record FROM batches INDEXED BY batches_unfinished
                   WHERE finished = 0 AND (owner, id) > (?, ?) ORDER BY owner, id LIMIT ?"""
        async for _, batch_id, record in walk(self._database, query, after=("", "")):
            if (batch := read_if_sound(record, Batch, batch_id)) is not None:
                yield batch
