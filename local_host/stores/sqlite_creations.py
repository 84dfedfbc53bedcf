"""Create calls in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import msgspec

from local_host.stores.sqlite_rows import find, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.batches.creation import Creation
from shared.ports.base import Changed, Stored
from shared.stored_records import read_if_sound

SCHEMA = """
CREATE TABLE IF NOT EXISTS creations (
    name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, record BLOB NOT NULL
) WITHOUT ROWID;
"""


class SqliteCreations:
    """`CreationStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def get(self, name: str) -> Stored[Creation] | None:
        query = "SELECT record, version FROM creations WHERE name = ?"
        return await find(self._database, query, (name,), Creation)

    async def put(self, creation: Creation, version: str | None) -> None:
        record = msgspec.json.encode(creation)
        if version is None:
            query, values = "INSERT OR IGNORE INTO creations VALUES (?, 1, ?)", (creation.name, record)
            await self._database.write(lambda connection: _one(connection, query, values))
        else:
            query = "UPDATE creations SET record = ?, version = version + 1 WHERE name = ? AND version = ?"
            replaced = (record, creation.name, int(version))
            await self._database.write(lambda connection: _one(connection, query, replaced))

    async def every(self) -> AsyncIterator[Creation]:
        query = "SELECT name, record FROM creations WHERE name > ? ORDER BY name LIMIT ?"
        async for name, record in walk(self._database, query, after=("",)):
            if (creation := read_if_sound(record, Creation, name)) is not None:
                yield creation

    async def delete(self, name: str) -> None:
        query = "DELETE FROM creations WHERE name = ?"
        await self._database.write(lambda connection: connection.execute(query, (name,)).rowcount)


def _one(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> None:
    if connection.execute(query, values).rowcount != 1:
        raise Changed("The record was changed by someone else since it was read; read it again.")
