"""The organization in SQLite: one row."""

from __future__ import annotations

import msgspec

from local_host.stores.sqlite_rows import conditional, find, insert
from local_host.stores.store_database import StoreDatabase
from shared.domain.keys.organization import Organization
from shared.ports.base import Stored

SCHEMA = """
CREATE TABLE IF NOT EXISTS organization (
    id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, record BLOB NOT NULL
) WITHOUT ROWID;
"""


class SqliteOrganization:
    """`OrganizationStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, organization: Organization) -> None:
        values = (organization.id, 1, msgspec.json.encode(organization))
        await self._database.write(lambda connection: insert(connection, "organization", values))

    async def get(self) -> Stored[Organization] | None:
        return await find(self._database, "SELECT record, version FROM organization", (), Organization)

    async def replace(self, organization: Organization, version: str) -> str:
        query = """UPDATE organization SET record = ?, version = version + 1
                   WHERE id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(organization), organization.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))
