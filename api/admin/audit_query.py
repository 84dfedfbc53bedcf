"""What a caller narrows the audit log to (contract 10.2), read from a query string. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from api.admin.acts import DEFAULT_LIST, MAX_LIST
from api.admin.rendering import parse_event_id, parse_key_id, parse_resource_id
from api.edge.query import Page, listed, parse_page, parse_truth, position
from shared.domain.keys.audit import AuditFilter
from shared.domain.keys.project import parse_project_id
from shared.domain.parameters import whole_number_text

LAST_SECOND = 253_402_300_798
BOUNDS = ("gt", "gte", "lt", "lte")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """A page past `page.after` and before the event `before`; `is_empty`: nothing here can be what is wanted."""

    page: Page
    before: str | None
    wanted: AuditFilter
    is_empty: bool


def parse_audit_query(query: QueryParams) -> AuditQuery:
    """Raises InvalidRequest. Parameters left empty count as absent, and all of them must hold.

    An id that is none of ours finds nothing, for it may be one of another service. There are no users with an e-mail
    address here, and no tenants.
    """
    before = query.get("before")
    since, until = _span(query)
    return AuditQuery(
        page=parse_page(query, parse_event_id, default=DEFAULT_LIST, most=MAX_LIST),
        before=position("before", before, parse_event_id) if before else None,
        wanted=AuditFilter(
            types=listed(query, "event_types"),
            project_ids=tuple(parse_project_id(text) or text for text in listed(query, "project_ids")),
            actor_ids=tuple(parse_key_id(text) or text for text in listed(query, "actor_ids")),
            resource_ids=tuple(parse_resource_id(text) or text for text in listed(query, "resource_ids")),
            since=since,
            until=until,
        ),
        is_empty=bool(listed(query, "actor_emails")) or parse_truth(query, "tenant_only"),
    )


def _span(query: QueryParams) -> tuple[datetime | None, datetime | None]:
    """From the first moment that is wanted to the first that is not."""
    given = {bound: query.get(f"effective_at[{bound}]") for bound in BOUNDS}
    seconds = {
        bound: whole_number_text(f"effective_at[{bound}]", text, 0, LAST_SECOND)
        for bound, text in given.items()
        if text
    }
    since = [seconds[bound] + (bound == "gt") for bound in ("gt", "gte") if bound in seconds]
    until = [seconds[bound] + (bound == "lte") for bound in ("lt", "lte") if bound in seconds]
    return _moment(max(since, default=None)), _moment(min(until, default=None))


def _moment(second: int | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second, UTC)
