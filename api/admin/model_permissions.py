"""The routes that say which models a project may use (contract 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import change
from api.admin.audit import write_down
from api.admin.finding import find_project
from api.admin.rendering import PERMISSIONS, render_permissions
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from shared.domain.errors import NotFound
from shared.domain.keys.new_project import parse_model_permissions, with_permissions
from shared.domain.keys.project import ModelPermissions, Project


async def retrieve_model_permissions(request: Request, call: Call) -> Response:
    permissions = (await find_project(request, call)).value.model_permissions
    if permissions is None:
        raise NotFound("The project has no model permissions: it may use every model. POST sets some.")
    return json_response(render_permissions(permissions))


async def update_model_permissions(request: Request, call: Call) -> Response:
    fields = await read_fields(request)
    permissions = parse_model_permissions(fields)
    await _set(request, call, permissions, fields)
    return json_response(render_permissions(permissions))


async def delete_model_permissions(request: Request, call: Call) -> Response:
    """The project may use every model from now on; where it might before nothing changes."""
    await _set(request, call, None, {"mode": None})
    return json_response({"object": f"{PERMISSIONS}.deleted", "deleted": True})


async def _set(request: Request, call: Call, permissions: ModelPermissions | None, asked: Mapping[str, Any]) -> None:
    async def write(project: Project) -> None:
        await write_down(call, "project.updated", project, project, changes_requested={"model_permissions": asked})

    await change(
        lambda: find_project(request, call),
        lambda project: with_permissions(project, permissions),
        write,
        call.service.stores.projects.replace,
    )
