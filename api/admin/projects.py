"""The routes of projects (contract 10.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import DEFAULT_LIST, MAX_LIST, change, claim_as_administrator
from api.admin.audit import write_down
from api.admin.finding import find_project, keep_default_project
from api.admin.rendering import render_page, render_project
from api.edge.endpoint import Call, json_response
from api.edge.json_body import fields_of, read_body, read_fields
from api.edge.query import parse_page, parse_truth
from shared.domain.keys.new_project import archived, changed, new_project, parse_new_project, parse_project_changes
from shared.domain.keys.project import Project, parse_project_id
from shared.ports.base import AlreadyExists


async def create_project(request: Request, call: Call) -> Response:
    body = await read_body(request)
    fields = fields_of(body)
    wanted = parse_new_project(fields)
    projects = call.service.stores.projects

    async def find(project_id: str) -> Project | None:
        stored = await projects.get(project_id)
        return stored.value if stored else None

    claimed = await claim_as_administrator(request, call, body, find)
    project = claimed.made
    if project is None:
        project = new_project(claimed.id, wanted, claimed.at)
        await write_down(call, "project.created", project, project, data=fields)
        try:
            await projects.insert(project)
        except AlreadyExists:  # By another attempt of the same call, at this moment.
            project = await find(project.id) or project
    return json_response(render_project(project))


async def list_projects(request: Request, call: Call) -> Response:
    page = parse_page(request.query_params, parse_project_id, default=DEFAULT_LIST, most=MAX_LIST)
    with_archived = parse_truth(request.query_params, "include_archived")
    await keep_default_project(call)
    found = await call.service.stores.projects.list(after=page.after, limit=page.limit + 1, with_archived=with_archived)
    shown = [render_project(project) for project in found[: page.limit]]
    return json_response(render_page(shown, has_more=len(found) > page.limit))


async def retrieve_project(request: Request, call: Call) -> Response:
    return json_response(render_project((await find_project(request, call)).value))


async def update_project(request: Request, call: Call) -> Response:
    fields = await read_fields(request)
    changes = parse_project_changes(fields)
    return await _change(request, call, lambda project: changed(project, changes), "project.updated", fields)


async def archive_project(request: Request, call: Call) -> Response:
    """No body is read: SDKs announce JSON and send none (contract 10.1)."""
    now = call.service.now()
    return await _change(request, call, lambda project: archived(project, now), "project.archived", {})


async def _change(
    request: Request, call: Call, alter: Callable[[Project], Project], event: str, asked: Mapping[str, Any]
) -> Response:
    async def write(project: Project) -> None:
        await write_down(call, event, project, project, changes_requested=asked)

    project = await change(lambda: find_project(request, call), alter, write, call.service.stores.projects.replace)
    return json_response(render_project(project))
