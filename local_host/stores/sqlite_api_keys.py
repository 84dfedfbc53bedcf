"""API keys in SQLite."""

from __future__ import annotations

import builtins

import msgspec

from local_host.stores.sqlite_rows import AFTER_ALL_IDS, conditional, find, insert
from local_host.stores.store_database import StoreDatabase
from shared.domain.keys.api_key import ApiKey
from shared.ports.base import Stored
from shared.stored_records import sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT NOT NULL PRIMARY KEY, project TEXT, version INTEGER NOT NULL, record BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS api_keys_by_project ON api_keys (project, id);
"""


class SqliteApiKeys:
    """`ApiKeyStore`. A version is the count of writes so far; the project of administrators' keys is NULL."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, key: ApiKey) -> None:
        values = (key.id, key.project_id, 1, msgspec.json.encode(key))
        await self._database.write(lambda connection: insert(connection, "api_keys", values))

    async def get(self, key_id: str) -> Stored[ApiKey] | None:
        query = "SELECT record, version FROM api_keys WHERE id = ?"
        return await find(self._database, query, (key_id,), ApiKey)

    async def replace(self, key: ApiKey, version: str) -> str:
        query = """UPDATE api_keys SET record = ?, project = ?, version = version + 1
                   WHERE id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(key), key.project_id, key.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def delete(self, key_id: str) -> bool:
        query = "DELETE FROM api_keys WHERE id = ?"
        return await self._database.write(lambda connection: connection.execute(query, (key_id,)).rowcount > 0)

    async def list(self, project_id: str | None, *, after: str | None = None, limit: int) -> builtins.list[ApiKey]:
        query = "SELECT id, record FROM api_keys WHERE project IS ? AND id < ? ORDER BY id DESC LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (project_id, position or AFTER_ALL_IDS, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, ApiKey, after, limit)
