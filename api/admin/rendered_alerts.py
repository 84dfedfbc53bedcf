"""Spend alerts as administrators see them (contract 10.3), and the page of a list that is asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.datastructures import QueryParams

from api.admin.acts import DEFAULT_LIST, MAX_LIST
from api.admin.rendering import render_page
from api.edge.query import parse_page, position
from shared.domain.keys.new_spend_alert import CHANNEL, EMAIL
from shared.domain.usage.spend_alert import SpendAlert, parse_alert_id, spell_alert_id

PROJECT_ALERT: Final = "project.spend_alert"
ORGANIZATION_ALERT: Final = "organization.spend_alert"


def render_alert(kind: str, alert: SpendAlert) -> dict[str, Any]:
    """`told_for` is an extension: the first day of the newest window that it was told for."""
    return {
        "id": spell_alert_id(alert.id),
        "object": kind,
        "currency": alert.currency,
        "interval": alert.interval.value,
        "threshold_amount": alert.threshold_amount,
        CHANNEL: {"type": EMAIL, "recipients": list(alert.recipients), "subject_prefix": alert.subject_prefix},
        "told_for": alert.told_for[-1].isoformat() if alert.told_for else None,
    }


def render_alerts(kind: str, alerts: Sequence[SpendAlert], query: QueryParams) -> dict[str, Any]:
    """The page past `after`, or the one that ends before `before`. Raises InvalidRequest."""
    page = parse_page(query, parse_alert_id, default=DEFAULT_LIST, most=MAX_LIST)
    text = query.get("before")
    before = position("before", text, parse_alert_id) if text else None
    found = sorted(alerts, key=lambda alert: alert.id, reverse=page.newest_first)
    if page.after is not None:
        found = [each for each in found if each.id != page.after and (each.id < page.after) == page.newest_first]
    if before is not None:
        found = [each for each in found if each.id != before and (each.id > before) == page.newest_first]
    goes_back = before is not None and page.after is None
    shown = found[-page.limit :] if goes_back else found[: page.limit]
    return render_page([render_alert(kind, each) for each in shown], has_more=len(found) > page.limit)
