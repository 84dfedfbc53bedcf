"""The routes of service accounts, and of making their keys (contract 10.2)."""

from __future__ import annotations

from contextlib import suppress

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import DEFAULT_LIST, MAX_LIST, change, claim_as_administrator
from api.admin.audit import write_down
from api.admin.finding import account_at, find_account, find_project
from api.admin.new_keys import Plan, is_lost_answer, make_key
from api.admin.project_keys import delete_keys_of
from api.admin.rendering import (
    ACCOUNT,
    account_id,
    parse_account_id,
    render_account,
    render_deleted,
    render_new_account,
    render_new_key,
    render_page,
)
from api.edge.endpoint import Call, json_response
from api.edge.json_body import fields_of, read_body, read_fields
from api.edge.query import parse_page
from shared.domain import ids
from shared.domain.keys.new_key import parse_new_key
from shared.domain.keys.new_project import check_active
from shared.domain.keys.new_service_account import (
    changed_account,
    new_account,
    parse_account_changes,
    parse_new_account,
)
from shared.domain.keys.pepper import pepper_for_new
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount
from shared.ports.base import AlreadyExists


async def create_service_account(request: Request, call: Call) -> Response:
    """With its first key, unless it is to have none."""
    body = await read_body(request)
    new = parse_new_account(fields_of(body))
    if new.key is not None:
        pepper_for_new(call.service.settings)  # Without one there would be an account whose key cannot be made.
    project = (await find_project(request, call)).value
    check_active(project)
    claimed = await claim_as_administrator(request, call, body, lambda found: account_at(call, project.id, found))
    account = claimed.made or await _insert(call, project, new_account(claimed.id, project.id, new, claimed.at))
    if new.key is None:
        return json_response(render_new_account(account, None))
    plan = Plan(
        id=ids.derived_id(account.created_at, account.id, "first key"),
        name=account.name,
        at=account.created_at,
        wanted=new.key,
        project=project,
        account=account,
        is_retry=is_lost_answer(claimed, call.service.now()),
    )
    return json_response(render_new_account(account, await make_key(call, plan)))


async def _insert(call: Call, project: Project, account: ServiceAccount) -> ServiceAccount:
    await write_down(
        call, "service_account.created", account, project, data={"name": account.name, "role": account.role}
    )
    with suppress(AlreadyExists):  # By another attempt of the same call, at this moment.
        await call.service.stores.service_accounts.insert(account)
    return account


async def list_service_accounts(request: Request, call: Call) -> Response:
    page = parse_page(request.query_params, parse_account_id, default=DEFAULT_LIST, most=MAX_LIST)
    project = (await find_project(request, call)).value
    found = await call.service.stores.service_accounts.list(project.id, after=page.after, limit=page.limit + 1)
    shown = [render_account(account) for account in found[: page.limit]]
    return json_response(render_page(shown, has_more=len(found) > page.limit))


async def retrieve_service_account(request: Request, call: Call) -> Response:
    project = (await find_project(request, call)).value
    return json_response(render_account((await find_account(request, call, project)).value))


async def update_service_account(request: Request, call: Call) -> Response:
    fields = await read_fields(request)
    changes = parse_account_changes(fields)
    project = (await find_project(request, call)).value
    check_active(project)

    async def write(account: ServiceAccount) -> None:
        await write_down(call, "service_account.updated", account, project, changes_requested=fields)

    account = await change(
        lambda: find_account(request, call, project),
        lambda account: changed_account(account, changes),
        write,
        call.service.stores.service_accounts.replace,
    )
    return json_response(render_account(account))


async def delete_service_account(request: Request, call: Call) -> Response:
    """Its keys first: whoever repeats the call finds the account until they are gone.

    Then those that were made meanwhile. Whoever makes one looks for the account once more after that.
    """
    project = (await find_project(request, call)).value
    account = (await find_account(request, call, project)).value
    await write_down(call, "service_account.deleted", account, project)
    await delete_keys_of(call, project, account)
    await call.service.stores.service_accounts.delete(project.id, account.id)
    await delete_keys_of(call, project, account)
    return json_response(render_deleted(ACCOUNT, account_id(account.id)))


async def create_api_key(request: Request, call: Call) -> Response:
    """A further key of an account."""
    body = await read_body(request)
    new = parse_new_key(fields_of(body))
    project = (await find_project(request, call)).value
    check_active(project)
    account = (await find_account(request, call, project)).value
    claimed = await claim_as_administrator(request, call, body, call.service.stores.api_keys.get)
    plan = Plan(
        id=claimed.id,
        name=new.name or account.name,
        at=claimed.at,
        wanted=new.wanted,
        project=project,
        account=account,
        is_retry=is_lost_answer(claimed, call.service.now()),
    )
    return json_response(render_new_key(*await make_key(call, plan)))
