"""The objects that a path of administration names.

Rule of this file: an object of another project, or of another kind, is not found.
"""

from __future__ import annotations

from contextlib import suppress

from azurefunctions.extensions.http.fastapi import Request

from api.admin.rendering import parse_account_id, parse_key_id
from api.edge.endpoint import Call
from shared.domain.errors import NotFound
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import DEFAULT_PROJECT, Project, default_project, parse_project_id
from shared.domain.keys.service_account import ServiceAccount
from shared.domain.parameters import shortened
from shared.ports.base import AlreadyExists, Stored


async def find_project(request: Request, call: Call) -> Stored[Project]:
    """Raises NotFound."""
    given = request.path_params["project_id"]
    canonical = parse_project_id(given)
    if canonical == DEFAULT_PROJECT:
        await keep_default_project(call)
    stored = await call.service.stores.projects.get(canonical) if canonical else None
    if stored is None:
        raise unknown("project", given)
    return stored


async def keep_default_project(call: Call) -> None:
    """The default project has a record from when an administrator first looks at it."""
    projects = call.service.stores.projects
    if await projects.get(DEFAULT_PROJECT) is None:
        with suppress(AlreadyExists):
            await projects.insert(default_project(call.service.now()))


async def stored_organization(call: Call) -> Stored[Organization]:
    """It has a record from when an administrator first changes something."""
    organization = call.service.stores.organization
    if (stored := await organization.get()) is None:
        with suppress(AlreadyExists):
            await organization.insert(Organization())
        stored = await organization.get()
    if stored is None:
        raise RuntimeError("The record of the organization was there and is not.")
    return stored


async def find_account(request: Request, call: Call, project: Project) -> Stored[ServiceAccount]:
    """Raises NotFound."""
    given = request.path_params["service_account_id"]
    canonical = parse_account_id(given)
    stored = await call.service.stores.service_accounts.get(project.id, canonical) if canonical else None
    if stored is None:
        raise unknown("service account", given)
    return stored


async def account_at(call: Call, project_id: str, account_id: str) -> ServiceAccount | None:
    stored = await call.service.stores.service_accounts.get(project_id, account_id)
    return stored.value if stored else None


async def find_key(request: Request, call: Call, project_id: str | None) -> Stored[ApiKey]:
    """A key of the project, or for None of an administrator. Raises NotFound."""
    given = request.path_params["key_id"]
    canonical = parse_key_id(given)
    stored = await call.service.stores.api_keys.get(canonical) if canonical else None
    if stored is None or stored.value.project_id != project_id:
        raise unknown("API key", given)
    return stored


def unknown(noun: str, given: str) -> NotFound:
    return NotFound(f"No {noun} found with id '{shortened(given)}'. Take the id from the list of them.")
