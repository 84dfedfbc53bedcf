"""Projects and their organization as they are now, for whoever works in their name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from shared.domain.batches.batch import Batch
from shared.domain.keys.limits import Limits
from shared.domain.keys.model_access import ModelAccess
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import DEFAULT_PROJECT, Project, default_project
from shared.services import Services

_PAGE: Final = 100


async def find_project(service: Services, project_id: str) -> Project | None:
    """Raises Unavailable."""
    if project_id == DEFAULT_PROJECT:
        return await find_default_project(service)
    stored = await service.stores.projects.get(project_id)
    return stored.value if stored else None


async def find_organization(service: Services) -> Organization:
    """It is there without anybody having made it. Raises Unavailable."""
    stored = await service.stores.organization.get()
    return stored.value if stored else Organization()


async def find_default_project(service: Services) -> Project:
    """It is there without anybody having made it. Raises Unavailable."""
    stored = await service.stores.projects.get(DEFAULT_PROJECT)
    return stored.value if stored else default_project(service.now())


async def every_project_id(service: Services) -> AsyncIterator[str]:
    """Of archived projects, too. Raises Unavailable."""
    yield DEFAULT_PROJECT
    async for project in every_stored_project(service):
        if project.id != DEFAULT_PROJECT:
            yield project.id


async def every_stored_project(service: Services) -> AsyncIterator[Project]:
    """Archived ones, too; the default one only once somebody has changed it. Raises Unavailable."""
    after = None
    while page := await service.stores.projects.list(after=after, limit=_PAGE, with_archived=True):
        for project in page:
            yield project
        after = page[-1].id


def limits_of(project: Project | None) -> Limits:
    """What it may have at this moment."""
    return project.limits if project else Limits()


def access_of(project: Project | None, batch: Batch) -> ModelAccess:
    """What the batch's project may use at this moment, narrowed by what its key might when it made the batch."""
    permissions = project.model_permissions if project else None
    return ModelAccess(project_id=batch.owner, permissions=permissions, models=batch.key_models)
