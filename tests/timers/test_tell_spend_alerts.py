"""Spend alerts by the timer: told once under one id, whatever ends it in between; never left untold."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.batches.spending import organization_account, project_account
from shared.domain.errors import Unavailable
from shared.domain.keys.organization import Organization
from shared.domain.keys.project import Project
from shared.domain.usage.spend_alert import SpendAlert
from shared.domain.usage.spend_limit import PICOS_PER_CENT, Interval
from shared.domain.webhooks.delivery import Delivery
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.domain.webhooks.event import ReachedAlert
from shared.ports.base import Changed
from shared.ports.spending import Amount
from tests.contracts.samples import START, a_webhook_endpoint, an_id
from tests.timers.conftest import World
from tests.with_stores import with_stores
from timers.tell_spend_alerts import tell_spend_alerts

PROJECT = an_id(1)
ACCOUNT = project_account("USD", PROJECT)
TODAY = START.date()


@pytest.fixture(autouse=True)
def _at_start(world: World) -> None:
    world.clock.at = START


def alert(number: int = 7, cents: int = 100, since: date = TODAY, **changes: Any) -> SpendAlert:
    made = SpendAlert(id=an_id(number), currency="USD", interval=Interval.MONTH, threshold_amount=cents, since=since)
    return msgspec.structs.replace(made, **changes)


async def keep(world: World, *alerts: SpendAlert, **changes: Any) -> None:
    project = Project(id=PROJECT, name="Team", created_at=START, spend_alerts=alerts, **changes)
    await world.services.stores.projects.insert(project)


async def spend(world: World, cents: int, account: str = ACCOUNT, day: date | None = None, batch: int = 1) -> None:
    amount = Amount(cents * PICOS_PER_CENT, 1)
    await world.services.stores.spending.put(account, day or world.clock.at.date(), an_id(batch), amount)


async def kept(world: World) -> list[tuple[date, ...]]:
    stored = await world.services.stores.projects.get(PROJECT)
    assert stored is not None
    return [each.told_for for each in stored.value.spend_alerts]


def told(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if getattr(record, "action", "") == "spend_alert_reached"]


async def test_it_is_told_once_when_it_is_reached(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """With all that a receiver needs, and nobody's address; not before, and not again by a later pass."""
    await keep(world, alert(recipients=("ada@example.com",)))
    await spend(world, 99)
    await tell_spend_alerts(world.services)
    before = len(told(caplog))
    await spend(world, 1, batch=2)
    for _ in range(3):
        await tell_spend_alerts(world.services)

    (line,) = told(caplog)
    first = TODAY.replace(day=1)
    assert (before, line.levelno, line.message) == (0, logging.WARNING, "A spend alert was reached.")
    assert (line.event_id, line.alert_id, line.project_id) == (alert().event_id(first), an_id(7), PROJECT)
    assert (line.threshold_amount, line.currency, line.interval) == (100, "USD", "month")
    assert (line.window, await kept(world)) == (first.isoformat(), [(first,)])
    assert "ada" not in str(vars(line))


async def test_the_organization_has_its_own(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Of all projects together, kept in its record."""
    await world.services.stores.organization.insert(Organization(spend_alerts=(alert(), alert(8, 500))))
    await spend(world, 100, organization_account("USD"))
    for _ in range(2):
        await tell_spend_alerts(world.services)
    stored = await world.services.stores.organization.get()

    assert [(line.project_id, line.alert_id) for line in told(caplog)] == [("organization", an_id(7))]
    assert stored is not None
    assert [each.told_for for each in stored.value.spend_alerts] == [(TODAY.replace(day=1),), ()]


async def test_each_of_several_is_told_by_itself(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Two that are reached in one pass are both kept; another currency is another account."""
    euros = alert(9, currency="EUR")
    await keep(world, alert(), alert(8, 50), euros)
    await spend(world, 100)
    for _ in range(2):
        await tell_spend_alerts(world.services)

    assert sorted(line.alert_id for line in told(caplog)) == [an_id(7), an_id(8)]
    assert await kept(world) == [(TODAY.replace(day=1),)] * 2 + [()]


async def test_of_an_archived_project_too(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its batches run to their end."""
    await keep(world, alert(), archived_at=START)
    await spend(world, 100)
    await tell_spend_alerts(world.services)

    assert len(told(caplog)) == 1


async def test_a_month_that_turns_between_two_passes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """What was spent in its last minute is told in the next one, and that one begins at nothing."""
    world.clock.at = datetime(2026, 5, 31, 23, 55, tzinfo=START.tzinfo)
    await keep(world, alert(since=date(2026, 5, 2)))
    await spend(world, 99)
    await tell_spend_alerts(world.services)
    await spend(world, 100, batch=2)
    world.clock.at = datetime(2026, 6, 1, 0, 5, tzinfo=START.tzinfo)
    await spend(world, 99, batch=3)
    for _ in range(2):
        await tell_spend_alerts(world.services)
    late = [line.window for line in told(caplog)]
    await spend(world, 1, batch=4)
    await tell_spend_alerts(world.services)

    assert late == ["2026-05-01"]
    assert [line.window for line in told(caplog)] == ["2026-05-01", "2026-06-01"]


async def test_two_clocks_around_midnight(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """One that is already in the next month and one that is not tell each window once."""
    await keep(world, alert(since=date(2026, 5, 2)))
    await spend(world, 100, day=date(2026, 5, 31))
    await spend(world, 100, day=date(2026, 6, 1), batch=2)
    for minute in (1, -1, 2, -2):
        world.clock.at = datetime(2026, 6, 1, tzinfo=START.tzinfo) + timedelta(minutes=minute)
        await tell_spend_alerts(world.services)

    assert sorted(line.window for line in told(caplog)) == ["2026-05-01", "2026-06-01"]


async def hooks(world: World) -> list[WebhookEndpoint]:
    """Of two that asked, one that did not, and one of another project."""
    asks = {"event_types": (), "further_event_types": ("spend_alert.reached", "of.tomorrow")}
    made = [a_webhook_endpoint(1, owner=PROJECT, **asks), a_webhook_endpoint(2, owner=PROJECT, **asks)]
    for each in (*made, a_webhook_endpoint(3, owner=PROJECT), a_webhook_endpoint(4, **asks)):
        await world.services.stores.webhook_endpoints.insert(each)
    return made


async def deliveries(world: World) -> list[Delivery]:
    """All, since nothing has ended."""
    return [stored.value async for stored in world.services.stores.deliveries.due(world.clock() + timedelta(days=1))]


async def test_endpoints_of_the_project_are_told(world: World) -> None:
    """Those that asked, of what was asked for, at once; a later pass adds nothing."""
    await keep(world, alert())
    endpoints = await hooks(world)
    await spend(world, 100)
    for _ in range(2):
        await tell_spend_alerts(world.services)
    found = await deliveries(world)
    first = TODAY.replace(day=1)

    assert sorted(each.endpoint_id for each in found) == sorted(each.id for each in endpoints)
    assert {(each.owner, each.event_type, each.due_at) for each in found} == {(PROJECT, "spend_alert.reached", START)}
    assert {each.alert for each in found} == {
        ReachedAlert(
            event_id=alert().event_id(first),
            alert_id=an_id(7),
            project_id=PROJECT,
            currency="USD",
            interval=Interval.MONTH,
            threshold_amount=100,
            window=first,
            at=START,
        )
    }


async def test_no_project_is_told_of_the_organization(world: World) -> None:
    """Its endpoints are the projects'."""
    await hooks(world)
    await world.services.stores.organization.insert(Organization(spend_alerts=(alert(),)))
    await spend(world, 100, organization_account("USD"))
    await tell_spend_alerts(world.services)

    assert await deliveries(world) == []


async def test_a_kill_leaves_each_endpoint_one_delivery(world: World) -> None:
    """Before the mark, and after each insert; what was noted first stays."""
    await keep(world, alert())
    await hooks(world)
    await spend(world, 100)
    for number in (1, 2):
        dying = with_stores(world.services, deliveries=DyingDeliveries(world.services.stores.deliveries, number))
        with pytest.raises(BaseExceptionGroup):
            await tell_spend_alerts(dying)
        assert await kept(world) == [()]
    world.clock.at += timedelta(minutes=10)
    await asyncio.gather(*(tell_spend_alerts(world.services) for _ in range(2)))

    assert [(each.due_at, each.alert.at) for each in await deliveries(world)] == [(START, START)] * 2
    assert await kept(world) == [(TODAY.replace(day=1),)]


class DyingDeliveries:
    """A store of deliveries that dies after the insert of that number."""

    def __init__(self, deliveries: Any, most: int) -> None:
        self._deliveries, self._left = deliveries, most

    async def insert(self, delivery: Delivery) -> None:
        self._left -= 1
        await self._deliveries.insert(delivery)
        if not self._left:
            raise Killed


class Killed(BaseException):
    """The process dies at this call."""


class Dying:
    """A store of projects that dies before or after it keeps what was told."""

    def __init__(self, projects: Any, *, after: bool) -> None:
        self._projects, self._after = projects, after
        self.list, self.get = projects.list, projects.get

    async def replace(self, project: Project, version: str) -> str:
        if self._after:
            await self._projects.replace(project, version)
        raise Killed


@pytest.mark.parametrize(("after", "times"), [(False, 2), (True, 1)])
async def test_a_kill_before_or_after_the_mark(
    world: World, caplog: pytest.LogCaptureFixture, after: bool, times: int
) -> None:
    """Before it, it is told again, under the same id; after it, no more."""
    await keep(world, alert())
    await spend(world, 100)
    dying = with_stores(world.services, projects=Dying(world.services.stores.projects, after=after))
    with pytest.raises(BaseExceptionGroup):
        await tell_spend_alerts(dying)
    for _ in range(2):
        await tell_spend_alerts(world.services)

    assert [line.event_id for line in told(caplog)] == [alert().event_id(TODAY.replace(day=1))] * times
    assert await kept(world) == [(TODAY.replace(day=1),)]


async def test_two_timers_at_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """They tell one event, and their marks do not take each other away."""
    await keep(world, alert(), alert(8, 50))
    await spend(world, 100)
    await asyncio.gather(*(tell_spend_alerts(world.services) for _ in range(4)))

    assert {line.event_id for line in told(caplog)} == {
        each.event_id(TODAY.replace(day=1)) for each in (alert(), alert(8, 50))
    }
    assert await kept(world) == [(TODAY.replace(day=1),)] * 2


class Overtaken:
    """A store of projects in which an administrator changes something just before the timer writes."""

    def __init__(self, projects: Any, project: Project) -> None:
        self._projects, self._project, self._is_first = projects, project, True
        self.list, self.get = projects.list, projects.get

    async def replace(self, project: Project, version: str) -> str:
        if self._is_first:
            self._is_first = False
            await self._projects.replace(self._project, version)
            raise Changed
        return await self._projects.replace(project, version)


@pytest.mark.parametrize(
    ("alerts", "kept_then"),
    [((alert(), alert(8)), [(TODAY.replace(day=1),), ()]), ((), []), ((alert(cents=70),), [()])],
)
async def test_an_administrator_at_the_same_moment(
    world: World, alerts: tuple[SpendAlert, ...], kept_then: list[tuple[date, ...]]
) -> None:
    """What he changed stays, and an alert that he changed is not taken for told."""
    await keep(world, alert())
    await spend(world, 100)
    stored = await world.services.stores.projects.get(PROJECT)
    changed = msgspec.structs.replace(stored.value, name="Renamed", spend_alerts=alerts)
    between = with_stores(world.services, projects=Overtaken(world.services.stores.projects, changed))
    await tell_spend_alerts(between)
    found = await world.services.stores.projects.get(PROJECT)

    assert (found.value.name, await kept(world)) == ("Renamed", kept_then)


class DownFor:
    """Accounts that answer for all but one."""

    def __init__(self, spending: Any, account: str) -> None:
        self._spending, self._account = spending, account

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        if account == self._account:
            raise Unavailable("down")
        return await self._spending.balances(account, first, last)


async def test_one_that_cannot_be_read_keeps_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The timer has failed for all to see, and the next pass tells what is left."""
    await keep(world, alert())
    await world.services.stores.organization.insert(Organization(spend_alerts=(alert(8),)))
    for account in (ACCOUNT, organization_account("USD")):
        await spend(world, 100, account)
    down = with_stores(world.services, spending=DownFor(world.services.stores.spending, ACCOUNT))
    with pytest.raises(ExceptionGroup, match="1 of 2 failed"):
        await tell_spend_alerts(down)
    first = [line.alert_id for line in told(caplog)]
    await tell_spend_alerts(world.services)

    assert (first, [line.alert_id for line in told(caplog)]) == ([an_id(8)], [an_id(8), an_id(7)])


async def test_whoever_has_no_alert_costs_nothing(world: World) -> None:
    """No account is read."""
    await keep(world)
    await tell_spend_alerts(with_stores(world.services, spending=DownFor(world.services.stores.spending, ACCOUNT)))
