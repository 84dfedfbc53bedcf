"""Service accounts in SQLite."""

from __future__ import annotations

import builtins

import msgspec

from local_host.stores.sqlite_rows import AFTER_ALL_IDS, conditional, find, insert
from local_host.stores.store_database import StoreDatabase
from shared.domain.keys.service_account import ServiceAccount
from shared.ports.base import Stored
from shared.stored_records import sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS service_accounts (
    project TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (project, id)
);
"""


class SqliteServiceAccounts:
    """`ServiceAccountStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, account: ServiceAccount) -> None:
        values = (account.project_id, account.id, 1, msgspec.json.encode(account))
        await self._database.write(lambda connection: insert(connection, "service_accounts", values))

    async def get(self, project_id: str, account_id: str) -> Stored[ServiceAccount] | None:
        query = "SELECT record, version FROM service_accounts WHERE project = ? AND id = ?"
        return await find(self._database, query, (project_id, account_id), ServiceAccount)

    async def replace(self, account: ServiceAccount, version: str) -> str:
        query = """UPDATE service_accounts SET record = ?, version = version + 1
                   WHERE project = ? AND id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(account), account.project_id, account.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def delete(self, project_id: str, account_id: str) -> bool:
        query = "DELETE FROM service_accounts WHERE project = ? AND id = ?"
        values = (project_id, account_id)
        return await self._database.write(lambda connection: connection.execute(query, values).rowcount > 0)

    async def list(self, project_id: str, *, after: str | None = None, limit: int) -> builtins.list[ServiceAccount]:
        query = "SELECT id, record FROM service_accounts WHERE project = ? AND id < ? ORDER BY id DESC LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (project_id, position or AFTER_ALL_IDS, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, ServiceAccount, after, limit)
