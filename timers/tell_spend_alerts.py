"""Tells of spend alerts that were reached, from the balances of their projects or of the organization.

Rule of this file: first an alert is told, then its record says so. Stopped in between, or done by two at once, it is
told again under the same id; it is never left untold.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date
from functools import partial
from typing import TypeVar

import msgspec

from shared.domain.batches.spending import organization_account, project_account
from shared.domain.keys.organization import ORGANIZATION, Organization
from shared.domain.keys.project import Project
from shared.domain.usage.spend_alert import SpendAlert, reached, told, untold_windows
from shared.domain.webhooks.event import ReachedAlert
from shared.ports.base import Changed, Stored
from shared.run.do_all import do_all
from shared.run.projects import every_stored_project, find_organization
from shared.run.webhooks.alert_deliveries import note_alert
from shared.services import Services

log = logging.getLogger(__name__)
T = TypeVar("T", Organization, Project)


async def tell_spend_alerts(service: Services) -> None:
    """One pass over whoever has any."""
    owners: list[Project | Organization] = [project async for project in every_stored_project(service)]
    owners.append(await find_organization(service))
    await do_all(partial(_look, service, owner, alert) for owner in owners for alert in owner.spend_alerts)


async def _look(service: Services, owner: Project | Organization, alert: SpendAlert) -> None:
    today = service.now().astimezone(UTC).date()
    windows = untold_windows(alert, today)
    if not windows:
        return
    balances = await service.stores.spending.balances(_account_of(owner)(alert.currency), windows[0], today)
    for first in reached(alert, windows, balances):
        await _tell(service, owner, alert, first)
        await _mark(service, owner, alert, first)


def _account_of(owner: Project | Organization) -> Callable[[str], str]:
    return partial(project_account, project_id=owner.id) if isinstance(owner, Project) else organization_account


async def _tell(service: Services, owner: Project | Organization, alert: SpendAlert, first: date) -> None:
    """In the log, and to endpoints of the project; no project is told what all of them have spent together."""
    log.warning(
        "A spend alert was reached.",
        extra={
            "action": "spend_alert_reached",
            "event_id": alert.event_id(first),
            "alert_id": alert.id,
            "project_id": owner.id if isinstance(owner, Project) else ORGANIZATION,
            "threshold_amount": alert.threshold_amount,
            "currency": alert.currency,
            "interval": alert.interval.value,
            "window": first.isoformat(),
        },
    )
    if isinstance(owner, Project):
        await note_alert(service, _reached(service, owner, alert, first))


def _reached(service: Services, project: Project, alert: SpendAlert, first: date) -> ReachedAlert:
    return ReachedAlert(
        event_id=alert.event_id(first),
        alert_id=alert.id,
        project_id=project.id,
        currency=alert.currency,
        interval=alert.interval,
        threshold_amount=alert.threshold_amount,
        window=first,
        at=service.now(),
    )


async def _mark(service: Services, owner: Project | Organization, alert: SpendAlert, first: date) -> None:
    stores = service.stores
    if isinstance(owner, Project):
        await _keep_told(partial(stores.projects.get, owner.id), stores.projects.replace, alert, first)
    else:
        await _keep_told(stores.organization.get, stores.organization.replace, alert, first)


async def _keep_told(
    find: Callable[[], Awaitable[Stored[T] | None]],
    replace: Callable[[T, str], Awaitable[str]],
    alert: SpendAlert,
    first: date,
) -> None:
    """Unless the alert is gone, another one by now, or marked by another pass."""
    while (stored := await find()) is not None:
        alerts = told(stored.value.spend_alerts, alert, first)
        if alerts == stored.value.spend_alerts:
            return
        with suppress(Changed):
            await replace(msgspec.structs.replace(stored.value, spend_alerts=alerts), stored.version)
            return
