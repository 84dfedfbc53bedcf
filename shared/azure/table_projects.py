"""Projects in Table Storage: one partition, as there are few; row key = inverted id."""

from __future__ import annotations

import msgspec

from shared.azure.names import FIRST, newest_first, table_key
from shared.azure.tables import Table, first_sound
from shared.domain.keys.project import Project
from shared.ports.base import Stored

_PARTITION = table_key("projects")


class TableProjects:
    """`ProjectStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, project: Project) -> None:
        await self._table.insert(_PARTITION, newest_first(project.id), msgspec.json.encode(project))

    async def get(self, project_id: str) -> Stored[Project] | None:
        return await self._table.find(_PARTITION, newest_first(project_id), Project)

    async def replace(self, project: Project, version: str) -> str:
        return await self._table.replace(_PARTITION, newest_first(project.id), msgspec.json.encode(project), version)

    async def list(self, *, after: str | None = None, limit: int, with_archived: bool = False) -> list[Project]:
        rows = self._table.query(_PARTITION, past=newest_first(after) if after else FIRST)
        return await first_sound(rows, Project, limit, lambda project: with_archived or not project.is_archived)
