"""The routes that limit what a project may spend (contract 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import change
from api.admin.audit import write_down
from api.admin.finding import find_project
from api.admin.rendering import SPEND_LIMIT, render_spend_limit
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from shared.domain.errors import NotFound
from shared.domain.keys.new_spend_limit import SpendLimits, limited, parse_spend_limits
from shared.domain.keys.project import Project
from shared.run.usage.spending import used_of_project


async def retrieve_spend_limit(request: Request, call: Call) -> Response:
    return await _shown(call, (await find_project(request, call)).value)


async def update_spend_limit(request: Request, call: Call) -> Response:
    """Holds for batches that pass their validation from now on; what has begun goes on."""
    fields = await read_fields(request)
    limits = parse_spend_limits(fields)
    return await _shown(call, await _set(request, call, limits, fields))


async def delete_spend_limit(request: Request, call: Call) -> Response:
    await _set(request, call, None, {"threshold_amount": None})
    return json_response({"object": f"{SPEND_LIMIT}.deleted", "deleted": True})


async def _shown(call: Call, project: Project) -> Response:
    limit = project.spend_limit
    if limit is None:
        raise NotFound("The project has no spend limit. POST sets one.")
    used = await used_of_project(call.service, project.id, limit)
    return json_response(render_spend_limit(limit, project.model_spend_limits, used))


async def _set(request: Request, call: Call, limits: SpendLimits | None, asked: Mapping[str, Any]) -> Project:
    async def write(project: Project) -> None:
        await write_down(call, "project.updated", project, project, changes_requested={"spend_limit": asked})

    return await change(
        lambda: find_project(request, call),
        lambda project: limited(project, limits),
        write,
        call.service.stores.projects.replace,
    )
