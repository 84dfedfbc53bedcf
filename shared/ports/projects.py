"""Projects: who owns what."""

from __future__ import annotations

from typing import Protocol

from shared.domain.keys.project import Project
from shared.ports.base import Stored


class ProjectStore(Protocol):
    """Projects (compare-and-swap). There are few: lists may read all."""

    async def insert(self, project: Project) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, project_id: str) -> Stored[Project] | None:
        """One point read."""
        ...

    async def replace(self, project: Project, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def list(self, *, after: str | None = None, limit: int, with_archived: bool = False) -> list[Project]:
        """At most `limit` projects, newest first (descending id), strictly past the id `after` (a position)."""
        ...
