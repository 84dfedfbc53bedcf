"""The webhook routes: endpoints, their secrets, test deliveries, event types (contract 8.4).

Handlers parse, load, call the domain, store and return. Deliveries of real events are not made here.
"""

from __future__ import annotations

import os

from azurefunctions.extensions.http.fastapi import Request, Response

from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from api.edge.query import parse_page
from api.webhooks.rendering import (
    parse_endpoint_id,
    render_deleted_endpoint,
    render_endpoint,
    render_endpoints,
    render_event_types,
    render_test,
    render_with_secret,
)
from shared.domain import ids
from shared.domain.errors import InvalidRequest, NotFound
from shared.domain.parameters import shortened
from shared.domain.webhooks.delivery import NoAnswer, WebhookRequest
from shared.domain.webhooks.endpoint import WebhookEndpoint, event_fields, rotated, updated
from shared.domain.webhooks.event import encode_event, sample_event
from shared.domain.webhooks.new_endpoint import (
    parse_changes,
    parse_event_type,
    parse_keep_old_secret,
    parse_new_webhook,
    too_many,
)
from shared.domain.webhooks.signature import KEY_BYTES, new_secret, signed_headers
from shared.ports.base import Changed, Stored

MAX_LIST = 100
DEFAULT_LIST = 20


async def create_webhook_endpoint(request: Request, call: Call) -> Response:
    settings, now = call.service.settings, call.service.now()
    new = parse_new_webhook(
        await read_fields(request), allow_http=settings.webhook_allow_http, allow_private=settings.webhook_allow_private
    )
    endpoint = WebhookEndpoint(
        id=ids.new_id(now, os.urandom(10)),
        owner=call.caller.owner,
        name=new.name or "",
        url=new.url or "",
        **event_fields(new.event_types or ()),
        created_at=now,
        updated_at=now,
        secret=new_secret(os.urandom(KEY_BYTES)),
    )
    await _insert(call, endpoint)
    return json_response(render_with_secret(endpoint))


async def _insert(call: Call, endpoint: WebhookEndpoint) -> None:
    """One after another in this process; what another process inserts at the same moment is seen afterwards."""
    limit, store = call.service.settings.max_webhook_endpoints, call.service.stores.webhook_endpoints
    async with call.service.capacity.new_webhooks:
        if len(await store.list(endpoint.owner, limit=limit)) == limit:
            raise too_many(limit)
        await store.insert(endpoint)
        if len(await store.list(endpoint.owner, limit=limit + 1)) > limit:
            await store.delete(endpoint.owner, endpoint.id)
            raise too_many(limit)


async def list_webhook_endpoints(request: Request, call: Call) -> Response:
    page = parse_page(request.query_params, parse_endpoint_id, default=DEFAULT_LIST, most=MAX_LIST)
    found = await call.service.stores.webhook_endpoints.list(call.caller.owner, after=page.after, limit=page.limit + 1)
    return json_response(render_endpoints(found[: page.limit], has_more=len(found) > page.limit))


async def retrieve_webhook_endpoint(request: Request, call: Call) -> Response:
    return json_response(render_endpoint((await _find(request, call)).value))


async def update_webhook_endpoint(request: Request, call: Call) -> Response:
    settings = call.service.settings
    changes = parse_changes(
        await read_fields(request), allow_http=settings.webhook_allow_http, allow_private=settings.webhook_allow_private
    )
    while True:
        stored = await _find(request, call)
        endpoint = updated(stored.value, changes, call.service.now())
        if endpoint is stored.value or await _is_replaced(call, endpoint, stored):
            return json_response(render_endpoint(endpoint))


async def delete_webhook_endpoint(request: Request, call: Call) -> Response:
    """Deliveries that are under way end at their next attempt."""
    endpoint = (await _find(request, call)).value
    await call.service.stores.webhook_endpoints.delete(endpoint.owner, endpoint.id)
    return json_response(render_deleted_endpoint(endpoint))


async def rotate_webhook_secret(request: Request, call: Call) -> Response:
    keep_old = parse_keep_old_secret(await read_fields(request))
    secret = new_secret(os.urandom(KEY_BYTES))
    while True:
        stored = await _find(request, call)
        endpoint = rotated(stored.value, secret, call.service.now(), keep_old=keep_old)
        if await _is_replaced(call, endpoint, stored):
            return json_response(render_with_secret(endpoint))


async def test_webhook_endpoint(request: Request, call: Call) -> Response:
    """One attempt, now, of an event of a batch, or an alert, that does not exist; any event type, asked for or not."""
    event_type = parse_event_type(await read_fields(request))
    endpoint, now = (await _find(request, call)).value, call.service.now()
    body = encode_event(sample_event(ids.new_id(now, os.urandom(10)), event_type, now))
    headers = signed_headers(f"wh_{ids.new_id(now, os.urandom(10))}", now, body, endpoint.secrets(now))
    answer = await call.service.webhook_sender.send(WebhookRequest(url=endpoint.url, headers=headers, body=body))
    if isinstance(answer, NoAnswer):
        raise InvalidRequest(
            f"The test could not be delivered. {answer.reason} Check the endpoint's URL and its server.",
            code="webhook_test_failed",
        )
    return json_response(render_test(endpoint, event_type, answer.status))


async def list_webhook_event_types(request: Request, call: Call) -> Response:  # noqa: ARG001 - a handler like the others
    return json_response(render_event_types())


async def _find(request: Request, call: Call) -> Stored[WebhookEndpoint]:
    given = request.path_params["webhook_endpoint_id"]
    canonical = parse_endpoint_id(given)
    stored = await call.service.stores.webhook_endpoints.get(call.caller.owner, canonical) if canonical else None
    if stored is None:
        raise NotFound(f"No webhook endpoint found with id '{shortened(given)}'.")
    return stored


async def _is_replaced(call: Call, endpoint: WebhookEndpoint, stored: Stored[WebhookEndpoint]) -> bool:
    try:
        await call.service.stores.webhook_endpoints.replace(endpoint, stored.version)
    except Changed:
        return False
    return True
