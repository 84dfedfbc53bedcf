"""The routes of a project's keys (contract 10.2). They are made through service accounts alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import DEFAULT_LIST, MAX_LIST, change
from api.admin.audit import write_down
from api.admin.finding import account_at, find_key, find_project
from api.admin.rendering import KEY, key_id, parse_key_id, render_deleted, render_key, render_page
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from api.edge.query import parse_page
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.new_key import changed, parse_key_changes
from shared.domain.keys.new_project import check_active
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount
from shared.domain.parameters import unsupported

ACCESS = ("active", "inactive", "any")


async def list_project_keys(request: Request, call: Call) -> Response:
    """A key has access to its project as long as that is not archived."""
    page = parse_page(request.query_params, parse_key_id, default=DEFAULT_LIST, most=MAX_LIST)
    access = request.query_params.get("owner_project_access") or "any"
    if access not in ACCESS:
        raise unsupported("owner_project_access", access, ACCESS)
    project = (await find_project(request, call)).value
    if access == ("active" if project.is_archived else "inactive"):
        return json_response(render_page([], has_more=False))
    found = await call.service.stores.api_keys.list(project.id, after=page.after, limit=page.limit + 1)
    shown = await _show_all(call, project, found[: page.limit])
    return json_response(render_page(shown, has_more=len(found) > page.limit))


async def retrieve_project_key(request: Request, call: Call) -> Response:
    project = (await find_project(request, call)).value
    key = (await find_key(request, call, project.id)).value
    return json_response((await _show_all(call, project, [key]))[0])


async def update_project_key(request: Request, call: Call) -> Response:
    fields = await read_fields(request)
    changes, now = parse_key_changes(fields), call.service.now()
    project = (await find_project(request, call)).value
    check_active(project)

    async def write(key: ApiKey) -> None:
        await write_down(call, "api_key.updated", key, project, changes_requested=fields)

    key = await change(
        lambda: find_key(request, call, project.id),
        lambda key: changed(key, changes, now),
        write,
        call.service.stores.api_keys.replace,
    )
    return json_response((await _show_all(call, project, [key]))[0])


async def delete_project_key(request: Request, call: Call) -> Response:
    project = (await find_project(request, call)).value
    key = (await find_key(request, call, project.id)).value
    await delete_key(call, key, project)
    return json_response(render_deleted(KEY, key_id(key.id)))


async def delete_keys_of(call: Call, project: Project, account: ServiceAccount) -> None:
    """All keys of the account that there are now."""
    after = None
    while keys := await call.service.stores.api_keys.list(project.id, after=after, limit=MAX_LIST):
        after = keys[-1].id
        for key in keys:
            if key.service_account_id == account.id:
                await delete_key(call, key, project)


async def delete_key(call: Call, key: ApiKey, project: Project | None) -> None:
    await write_down(call, "api_key.deleted", key, project)
    await call.service.stores.api_keys.delete(key.id)


async def _show_all(call: Call, project: Project, keys: Sequence[ApiKey]) -> list[dict[str, object]]:
    """Each with its account, which is read once."""
    names = list({key.service_account_id for key in keys if key.service_account_id})
    accounts = await asyncio.gather(*(account_at(call, project.id, name) for name in names))
    owners = dict(zip(names, accounts, strict=True))
    return [render_key(key, owners.get(key.service_account_id or ""), project) for key in keys]
