"""File records in SQLite."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from local_host.stores.sqlite_rows import AFTER_ALL_IDS, BEFORE_ALL_TIMES, insert, microseconds, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.files.file import File
from shared.stored_records import read_if_sound, read_record, sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    owner TEXT NOT NULL, id TEXT NOT NULL, purpose TEXT NOT NULL, expires_us INTEGER, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX IF NOT EXISTS files_by_expiry ON files (expires_us, owner, id) WHERE expires_us IS NOT NULL;
"""


class SqliteFiles:
    """`FileStore`."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, file: File) -> None:
        expires_us = None if file.expires_at is None else microseconds(file.expires_at)
        values = (file.owner, file.id, file.purpose, expires_us, msgspec.json.encode(file))
        await self._database.write(lambda connection: insert(connection, "files", values))

    async def get(self, owner: str, file_id: str) -> File | None:
        query = "SELECT record FROM files WHERE owner = ? AND id = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (owner, file_id)).fetchone())
        return None if row is None else read_record(row[0], File)

    async def list(
        self, owner: str, *, purpose: str | None = None, after: str | None = None, limit: int, newest_first: bool = True
    ) -> list[File]:
        comparison, order, start = ("<", "DESC", AFTER_ALL_IDS) if newest_first else (">", "ASC", "")
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
        rows = walk(self._database, query, microseconds(now), after=(BEFORE_ALL_TIMES, "", ""))
        async for _, _, file_id, record in rows:
            if (file := read_if_sound(record, File, file_id)) is not None:
                yield file

    async def every(self) -> AsyncIterator[File]:
        query = "SELECT owner, id, record FROM files WHERE (owner, id) > (?, ?) ORDER BY owner, id LIMIT ?"
        async for _, _, record in walk(self._database, query, after=("", "")):
            yield read_record(record, File)
