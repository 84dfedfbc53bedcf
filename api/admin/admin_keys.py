"""The routes of administrators' keys (contract 10.2). The bootstrap key is none of them: it is a setting."""

from __future__ import annotations

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import DEFAULT_LIST, MAX_LIST, claim_as_administrator
from api.admin.finding import find_key
from api.admin.new_keys import Plan, is_lost_answer, make_key
from api.admin.project_keys import delete_key
from api.admin.rendering import (
    ADMIN_KEY,
    key_id,
    parse_key_id,
    render_admin_key,
    render_deleted,
    render_new_admin_key,
    render_page,
)
from api.edge.endpoint import Call, json_response
from api.edge.json_body import fields_of, read_body
from api.edge.query import Page, parse_page
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.new_key import parse_new_admin_key


async def create_admin_key(request: Request, call: Call) -> Response:
    body = await read_body(request)
    new = parse_new_admin_key(fields_of(body))
    claimed = await claim_as_administrator(request, call, body, call.service.stores.api_keys.get)
    plan = Plan(
        id=claimed.id,
        name=new.name or "",
        at=claimed.at,
        wanted=new.wanted,
        is_retry=is_lost_answer(claimed, call.service.now()),
    )
    return json_response(render_new_admin_key(*await make_key(call, plan)))


async def list_admin_keys(request: Request, call: Call) -> Response:
    page = parse_page(request.query_params, parse_key_id, default=DEFAULT_LIST, most=MAX_LIST)
    found = await (_newest_first if page.newest_first else _oldest_first)(call, page)
    shown = [render_admin_key(key) for key in found[: page.limit]]
    return json_response(render_page(shown, has_more=len(found) > page.limit))


async def retrieve_admin_key(request: Request, call: Call) -> Response:
    return json_response(render_admin_key((await find_key(request, call, None)).value))


async def delete_admin_key(request: Request, call: Call) -> Response:
    """The last one, too, and the one that asks: the bootstrap key stays."""
    key = (await find_key(request, call, None)).value
    await delete_key(call, key, None)
    return json_response(render_deleted(ADMIN_KEY, key_id(key.id)))


async def _newest_first(call: Call, page: Page) -> list[ApiKey]:
    return await call.service.stores.api_keys.list(None, after=page.after, limit=page.limit + 1)


async def _oldest_first(call: Call, page: Page) -> list[ApiKey]:
    """Of few: all of them are read."""
    found: list[ApiKey] = []
    while more := await call.service.stores.api_keys.list(None, after=found[-1].id if found else None, limit=MAX_LIST):
        found += more
    return [key for key in reversed(found) if page.after is None or key.id > page.after][: page.limit + 1]
