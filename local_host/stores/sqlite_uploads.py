"""Uploads and their parts in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from local_host.stores.sqlite_rows import BEFORE_ALL_TIMES, conditional, find, insert, microseconds, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.files.upload import Upload, UploadPart
from shared.ports.base import Stored
from shared.stored_records import read_if_sound, read_record

SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    owner TEXT NOT NULL, id TEXT NOT NULL, expires_us INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX IF NOT EXISTS uploads_by_expiry ON uploads (expires_us, owner, id);
CREATE TABLE IF NOT EXISTS upload_parts (
    upload_id TEXT NOT NULL, id TEXT NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (upload_id, id)
) WITHOUT ROWID;
"""


class SqliteUploads:
    """`UploadStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, upload: Upload) -> None:
        values = (upload.owner, upload.id, microseconds(upload.expires_at), 1, msgspec.json.encode(upload))
        await self._database.write(lambda connection: insert(connection, "uploads", values))

    async def get(self, owner: str, upload_id: str) -> Stored[Upload] | None:
        query = "SELECT record, version FROM uploads WHERE owner = ? AND id = ?"
        return await find(self._database, query, (owner, upload_id), Upload)

    async def replace(self, upload: Upload, version: str) -> str:
        query = """UPDATE uploads SET record = ?, version = version + 1
                   WHERE owner = ? AND id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(upload), upload.owner, upload.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def put_part(self, part: UploadPart) -> None:
        query = "INSERT OR REPLACE INTO upload_parts VALUES (?, ?, ?)"
        values = (part.upload_id, part.id, msgspec.json.encode(part))
        await self._database.write(lambda connection: connection.execute(query, values).rowcount)

    async def list_parts(self, upload_id: str) -> list[UploadPart]:
        query = "SELECT record FROM upload_parts WHERE upload_id = ? ORDER BY id"
        rows = await self._database.read(lambda connection: connection.execute(query, (upload_id,)).fetchall())
        return [read_record(record, UploadPart) for (record,) in rows]

    async def delete_part(self, part: UploadPart) -> None:
        query = "DELETE FROM upload_parts WHERE upload_id = ? AND id = ?"
        await self._database.write(lambda connection: connection.execute(query, (part.upload_id, part.id)).rowcount)

    async def delete(self, upload: Upload) -> bool:
        def delete(connection: sqlite3.Connection) -> bool:
            connection.execute("DELETE FROM upload_parts WHERE upload_id = ?", (upload.id,))
            query = "DELETE FROM uploads WHERE owner = ? AND id = ?"
            return connection.execute(query, (upload.owner, upload.id)).rowcount > 0

        return await self._database.write(delete)

    async def expired(self, now: datetime) -> AsyncIterator[Upload]:
        query = """SELECT expires_us, owner, id, record FROM uploads
                   WHERE expires_us <= ? AND (expires_us, owner, id) > (?, ?, ?)
                   ORDER BY expires_us, owner, id LIMIT ?"""
        rows = walk(self._database, query, microseconds(now), after=(BEFORE_ALL_TIMES, "", ""))
        async for _, _, upload_id, record in rows:
            if (upload := read_if_sound(record, Upload, upload_id)) is not None:
                yield upload
