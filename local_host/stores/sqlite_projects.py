"""Projects in SQLite."""

from __future__ import annotations

import builtins

import msgspec

from local_host.stores.sqlite_rows import AFTER_ALL_IDS, conditional, find, insert
from local_host.stores.store_database import StoreDatabase
from shared.domain.keys.project import Project
from shared.ports.base import Stored
from shared.stored_records import sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS projects (
    id TEXT NOT NULL PRIMARY KEY, archived INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL
) WITHOUT ROWID;
"""


class SqliteProjects:
    """`ProjectStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, project: Project) -> None:
        values = (project.id, project.is_archived, 1, msgspec.json.encode(project))
        await self._database.write(lambda connection: insert(connection, "projects", values))

    async def get(self, project_id: str) -> Stored[Project] | None:
        query = "SELECT record, version FROM projects WHERE id = ?"
        return await find(self._database, query, (project_id,), Project)

    async def replace(self, project: Project, version: str) -> str:
        query = """UPDATE projects SET record = ?, archived = ?, version = version + 1
                   WHERE id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(project), project.is_archived, project.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def list(
        self, *, after: str | None = None, limit: int, with_archived: bool = False
    ) -> builtins.list[Project]:
        query = "SELECT id, record FROM projects WHERE id < ? AND archived <= ? ORDER BY id DESC LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (position or AFTER_ALL_IDS, with_archived, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, Project, after, limit)
