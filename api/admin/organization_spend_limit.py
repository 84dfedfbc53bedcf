"""The routes that limit what all projects may spend together (contract 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import change
from api.admin.audit import write_down
from api.admin.finding import stored_organization
from api.admin.rendering import ORGANIZATION_LIMIT, render_organization_limit
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from shared.domain.errors import NotFound
from shared.domain.keys.new_spend_limit import parse_organization_limit
from shared.domain.keys.organization import Organization
from shared.domain.usage.spend_limit import SpendLimit
from shared.run.projects import find_organization
from shared.run.usage.spending import used_of_organization


async def retrieve_organization_spend_limit(request: Request, call: Call) -> Response:  # noqa: ARG001 - a handler's parameters
    return await _shown(call, await find_organization(call.service))


async def update_organization_spend_limit(request: Request, call: Call) -> Response:
    """Holds for batches that pass their validation from now on, of whichever project; as a project's limit does."""
    fields = await read_fields(request)
    limit = parse_organization_limit(fields)
    return await _shown(call, await _set(call, limit, fields))


async def delete_organization_spend_limit(request: Request, call: Call) -> Response:  # noqa: ARG001 - as above
    await _set(call, None, {"threshold_amount": None})
    return json_response({"object": f"{ORGANIZATION_LIMIT}.deleted", "deleted": True})


async def _shown(call: Call, organization: Organization) -> Response:
    limit = organization.spend_limit
    if limit is None:
        raise NotFound("The organization has no spend limit. POST sets one.")
    return json_response(render_organization_limit(limit, await used_of_organization(call.service, limit)))


async def _set(call: Call, limit: SpendLimit | None, asked: Mapping[str, Any]) -> Organization:
    async def write(organization: Organization) -> None:
        await write_down(call, "organization.updated", organization, changes_requested={"spend_limit": asked})

    return await change(
        lambda: stored_organization(call),
        lambda organization: msgspec.structs.replace(organization, spend_limit=limit),
        write,
        call.service.stores.organization.replace,
    )
