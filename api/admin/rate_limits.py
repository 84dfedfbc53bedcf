"""The routes of a project's limits at single deployments (contract 10.2)."""

from __future__ import annotations

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import change
from api.admin.audit import write_down
from api.admin.finding import find_project
from api.admin.rendering import render_page, render_rate_limit
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from api.edge.query import parse_page
from shared.domain.errors import NotFound
from shared.domain.keys.new_limits import parse_enqueued_tokens, with_enqueued_tokens
from shared.domain.keys.new_project import check_active
from shared.domain.keys.project import Project
from shared.domain.parameters import shortened

MAX_LIST = 1000
DEFAULT_LIST = 100
PREFIX = "rl-"


async def list_rate_limits(request: Request, call: Call) -> Response:
    """One for each deployment there is, by name."""
    page = parse_page(request.query_params, _parse_id, default=DEFAULT_LIST, most=MAX_LIST)
    project = (await find_project(request, call)).value
    deployments = call.service.settings.deployments
    names = sorted(name for name in deployments if page.after is None or name > page.after)
    shown = [render_rate_limit(deployments[name], project) for name in names[: page.limit]]
    return json_response(render_page(shown, has_more=len(names) > page.limit))


async def update_rate_limit(request: Request, call: Call) -> Response:
    """Holds for batches that pass their validation from now on."""
    fields = await read_fields(request)
    tokens = parse_enqueued_tokens(fields)
    given = request.path_params["rate_limit_id"]
    deployment = call.service.settings.deployments.get(given.removeprefix(PREFIX))
    if deployment is None:
        raise NotFound(f"No rate limit found with id '{shortened(given)}'.")
    name = deployment.name

    async def write(project: Project) -> None:
        asked = {"rate_limit": {"model": name, **fields}}
        await write_down(call, "project.updated", project, project, changes_requested=asked)

    def alter(project: Project) -> Project:
        check_active(project)
        return with_enqueued_tokens(project, name, tokens)

    project = await change(lambda: find_project(request, call), alter, write, call.service.stores.projects.replace)
    return json_response(render_rate_limit(deployment, project))


def _parse_id(text: str) -> str:
    return text.removeprefix(PREFIX)
