"""Who is calling: an extension, for whoever signs in with a key and has to know what it opens."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.rendering import key_id
from api.edge.endpoint import Call, json_response
from api.edge.rendered_values import unix_seconds
from api.models.models import models_of
from shared.domain.keys.priority import up_to
from shared.domain.keys.project import spell_project_id
from shared.domain.usage.money import shown
from shared.run.usage.standing import Standing, standings


async def retrieve_caller(request: Request, call: Call) -> Response:  # noqa: ARG001 - a handler's parameters
    caller, project = call.caller, call.caller.project
    found = await standings(call.service, caller)
    return json_response(
        {
            "object": "caller",
            "name": caller.name,
            "api_key_id": key_id(caller.key_id) if caller.key_id else None,
            "project": {"id": spell_project_id(project.id), "name": project.name} if project else None,
            "scopes": sorted(caller.opens),
            "models": [deployment.name for deployment in models_of(call)],
            "priorities": [priority.value for priority in up_to(caller.max_priority)] if project else [],
            "spend_limits": [_render(standing) for standing in found],
        }
    )


def _render(standing: Standing) -> dict[str, Any]:
    """Amounts are in units of the currency."""
    return {
        "of": standing.of,
        "model": standing.model,
        "currency": standing.limit.currency,
        "interval": standing.limit.interval.value,
        "limit": shown(standing.limit.picos),
        "used": shown(standing.used),
        "left": shown(standing.left),
        "renews_at": _midnight(standing.renews_on) if standing.renews_on else None,
    }


def _midnight(day: date) -> int | None:
    return unix_seconds(datetime.combine(day, time(), UTC))
