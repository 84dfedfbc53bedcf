"""The routes of spend alerts, of projects and of the organization (contract 10.2).

They are part of the record of whom they are of, and are told by a timer (`timers/tell_spend_alerts.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.acts import change, claim_as_administrator
from api.admin.audit import write_down
from api.admin.finding import find_project, stored_organization, unknown
from api.admin.rendered_alerts import (
    ORGANIZATION_ALERT,
    PROJECT_ALERT,
    render_alert,
    render_alerts,
)
from api.admin.rendering import render_deleted
from api.edge.endpoint import Call, json_response
from api.edge.json_body import fields_of, read_body, read_fields
from shared.domain.keys.new_project import check_active
from shared.domain.keys.new_spend_alert import added, altered, find_alert, new_alert, parse_spend_alert, removed
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import Project
from shared.domain.usage.spend_alert import SpendAlert, parse_alert_id, spell_alert_id
from shared.run.projects import find_organization

Alerts = tuple[SpendAlert, ...]
Change = Callable[[Alerts], Alerts]
Asked = dict[str, Any]
T = TypeVar("T", Organization, Project)


async def create_spend_alert(request: Request, call: Call) -> Response:
    """It is told of the window that is running, too."""
    return await _create(request, call, PROJECT_ALERT, _of_project, _change_project)


async def list_spend_alerts(request: Request, call: Call) -> Response:
    return json_response(render_alerts(PROJECT_ALERT, await _of_project(request, call), request.query_params))


async def retrieve_spend_alert(request: Request, call: Call) -> Response:
    return json_response(render_alert(PROJECT_ALERT, _named(request, await _of_project(request, call))))


async def update_spend_alert(request: Request, call: Call) -> Response:
    """With another amount, interval or currency it is told again."""
    return await _update(request, call, PROJECT_ALERT, _change_project)


async def delete_spend_alert(request: Request, call: Call) -> Response:
    return await _delete(request, call, PROJECT_ALERT, _change_project)


async def create_organization_spend_alert(request: Request, call: Call) -> Response:
    return await _create(request, call, ORGANIZATION_ALERT, _of_organization, _change_organization)


async def list_organization_spend_alerts(request: Request, call: Call) -> Response:
    return json_response(render_alerts(ORGANIZATION_ALERT, await _of_organization(request, call), request.query_params))


async def retrieve_organization_spend_alert(request: Request, call: Call) -> Response:
    return json_response(render_alert(ORGANIZATION_ALERT, _named(request, await _of_organization(request, call))))


async def update_organization_spend_alert(request: Request, call: Call) -> Response:
    return await _update(request, call, ORGANIZATION_ALERT, _change_organization)


async def delete_organization_spend_alert(request: Request, call: Call) -> Response:
    return await _delete(request, call, ORGANIZATION_ALERT, _change_organization)


Read = Callable[[Request, Call], Awaitable[Alerts]]
Changing = Callable[[Request, Call, Change, Asked], Awaitable[Alerts]]


async def _create(request: Request, call: Call, kind: str, read: Read, changing: Changing) -> Response:
    body = await read_body(request)
    fields = fields_of(body)
    asked = parse_spend_alert(fields)

    async def find(made: str) -> SpendAlert | None:
        return find_alert(await read(request, call), made)

    claimed = await claim_as_administrator(request, call, body, find)
    alert = claimed.made
    if alert is None:
        alert = new_alert(claimed.id, asked, claimed.at)
        await changing(request, call, lambda alerts: added(alerts, alert), {"id": spell_alert_id(alert.id), **fields})
    return json_response(render_alert(kind, alert))


async def _update(request: Request, call: Call, kind: str, changing: Changing) -> Response:
    fields = await read_fields(request)
    asked, now = parse_spend_alert(fields), call.service.now()

    def alter(alerts: Alerts) -> Alerts:
        return altered(alerts, _named(request, alerts).id, asked, now)

    alerts = await changing(request, call, alter, {"id": request.path_params["alert_id"], **fields})
    return json_response(render_alert(kind, _named(request, alerts)))


async def _delete(request: Request, call: Call, kind: str, changing: Changing) -> Response:
    given = spell_alert_id(parse_alert_id(request.path_params["alert_id"]) or "")
    await changing(
        request, call, lambda alerts: removed(alerts, _named(request, alerts).id), {"id": given, "deleted": True}
    )
    return json_response(render_deleted(kind, given))


def _named(request: Request, alerts: Alerts) -> SpendAlert:
    """The one of the path. Raises NotFound."""
    given = request.path_params["alert_id"]
    found = find_alert(alerts, parse_alert_id(given))
    if found is None:
        raise unknown("spend alert", given)
    return found


async def _of_project(request: Request, call: Call) -> Alerts:
    return (await find_project(request, call)).value.spend_alerts


async def _of_organization(request: Request, call: Call) -> Alerts:  # noqa: ARG001 - as for projects
    return (await find_organization(call.service)).spend_alerts


async def _change_project(request: Request, call: Call, alter: Change, asked: Asked) -> Alerts:
    """Raises WrongState if the project is archived."""

    async def write(project: Project) -> None:
        await write_down(call, "project.updated", project, project, changes_requested={"spend_alert": asked})

    def of_active(project: Project) -> Project:
        check_active(project)
        return _with(project, alter)

    stores = call.service.stores
    return (await change(lambda: find_project(request, call), of_active, write, stores.projects.replace)).spend_alerts


async def _change_organization(request: Request, call: Call, alter: Change, asked: Asked) -> Alerts:  # noqa: ARG001 - as for projects
    async def write(organization: Organization) -> None:
        await write_down(call, "organization.updated", organization, changes_requested={"spend_alert": asked})

    stores = call.service.stores
    changed = await change(
        lambda: stored_organization(call), lambda found: _with(found, alter), write, stores.organization.replace
    )
    return changed.spend_alerts


def _with(owner: T, alter: Change) -> T:
    return msgspec.structs.replace(owner, spend_alerts=alter(owner.spend_alerts))
