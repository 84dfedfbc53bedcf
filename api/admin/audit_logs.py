"""The route of the audit log (contract 10.2, 10.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from azurefunctions.extensions.http.fastapi import Request, Response

from api.admin.audit_query import parse_audit_query
from api.admin.rendering import render_event, render_page
from api.edge.endpoint import Call, json_response
from shared.domain.keys.audit import AuditEvent
from shared.domain.keys.project import Project
from shared.run.projects import find_project


async def list_audit_logs(request: Request, call: Call) -> Response:
    query = parse_audit_query(request.query_params)
    if query.is_empty:
        return json_response(render_page([], has_more=False))
    found = await call.service.stores.audit_log.list(
        query.wanted, after=query.page.after, before=query.before, limit=query.page.limit + 1
    )
    goes_back = query.before is not None and query.page.after is None
    events = found[-query.page.limit :] if goes_back else found[: query.page.limit]
    projects = await _projects_of(call, events)
    shown = [render_event(event, projects.get(event.project_id or "")) for event in events]
    return json_response(render_page(shown, has_more=len(found) > query.page.limit))


async def _projects_of(call: Call, events: Sequence[AuditEvent]) -> dict[str, Project]:
    """By id, each read once: it is shown by the name that it has now."""
    names = list({event.project_id for event in events if event.project_id})
    projects = await asyncio.gather(*(find_project(call.service, name) for name in names))
    return {project.id: project for project in projects if project is not None}
