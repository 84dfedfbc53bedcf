"""Spend alerts of projects and of the organization, over REST (contract 10.2, 10.3)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from shared.services import Services
from tests.api.administration import ORGANIZATION, error_of, new_project, post, read
from tests.api.harness import Clock
from tests.api.test_hostile_calls import VALUES, fields, is_civil, with_value

CHANNEL = {"type": "email", "recipients": ["ada@example.com", "bob@example.com"], "subject_prefix": "[batch]"}
TERMS = {"currency": "USD", "interval": "month", "threshold_amount": 5000}
ALERT = {**TERMS, "notification_channel": CHANNEL}


@pytest.fixture(params=["project", "organization"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def alerts(api: httpx.AsyncClient, kind: str) -> str:
    """The path of a list that is empty yet."""
    return f"{ORGANIZATION if kind == 'organization' else await new_project(api)}/spend_alerts"


async def test_one_is_made_found_changed_and_deleted(api: httpx.AsyncClient, alerts: str, kind: str) -> None:
    """With all that was asked for, as it was."""
    made = await post(api, alerts, **ALERT)
    path = f"{alerts}/{made['id']}"

    assert made == {"id": made["id"], "object": f"{kind}.spend_alert", **ALERT, "told_for": None}
    assert made["id"].startswith("alert_")
    assert await read(api, path) == made
    new = {**TERMS, "interval": "day", "notification_channel": {"type": "email", "recipients": []}}
    changed = await post(api, path, **new)
    assert changed == {
        **made,
        "interval": "day",
        "notification_channel": {**CHANNEL, "recipients": [], "subject_prefix": None},
    }
    assert (await read(api, alerts))["data"] == [changed]
    deleted = await api.delete(path)
    assert (deleted.status_code, deleted.json()) == (
        200,
        {"id": made["id"], "object": f"{kind}.spend_alert.deleted", "deleted": True},
    )
    for answer in (await api.get(path), await api.post(path, json=ALERT), await api.delete(path)):
        assert error_of(answer)[0] == 404


async def test_lists_go_both_ways(api: httpx.AsyncClient, alerts: str, clock: Clock) -> None:
    """Newest first unless asked otherwise; from an alert on, and up to one."""
    ids = []
    for cents in range(1, 6):
        clock.advance(seconds=1)
        ids.append((await post(api, alerts, **ALERT | {"threshold_amount": cents}))["id"])

    async def page(**query: Any) -> tuple[list[int], bool]:
        found = await read(api, alerts, **query)
        assert (found["first_id"], found["last_id"]) == (found["data"][0]["id"], found["data"][-1]["id"])
        return [each["threshold_amount"] for each in found["data"]], found["has_more"]

    assert await page() == ([5, 4, 3, 2, 1], False)
    assert await page(limit=2) == ([5, 4], True)
    assert await page(limit=2, after=ids[3]) == ([3, 2], True)
    assert await page(limit=2, before=ids[0]) == ([3, 2], True)
    assert await page(limit=5, before=ids[3]) == ([5], False)
    assert await page(limit=2, order="asc") == ([1, 2], True)
    assert await page(order="asc", after=ids[2]) == ([4, 5], False)
    assert await page(order="asc", limit=1, before=ids[2]) == ([2], True)
    assert await page(after=ids[4], before=ids[1]) == ([4, 3], False)
    assert error_of(await api.get(alerts, params={"before": "none"}))[2] == "before"
    assert error_of(await api.get(alerts, params={"order": "up"}))[2] == "order"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"currency": "dollars"}, "currency"),
        ({"interval": None}, "interval"),
        ({"threshold_amount": 0}, "threshold_amount"),
        ({"threshold_amount": "5"}, "threshold_amount"),
        ({"stops_batches": True}, "stops_batches"),
        ({"notification_channel": None}, "notification_channel"),
        ({"notification_channel": "mail"}, "notification_channel"),
        ({"notification_channel": {"type": "email", "recipients": ["a@b"], "cc": []}}, "cc"),
        ({"notification_channel": {"recipients": ["a@b"]}}, "notification_channel.type"),
        ({"notification_channel": {"type": "sms", "recipients": ["a@b"]}}, "notification_channel.type"),
        ({"notification_channel": {"type": "email"}}, "notification_channel.recipients"),
        ({"notification_channel": {"type": "email", "recipients": "a@b"}}, "notification_channel.recipients"),
        ({"notification_channel": {"type": "email", "recipients": ["a@b", "Ada"]}}, "notification_channel.recipients[1]"),
        ({"notification_channel": {"type": "email", "recipients": ["a@b\r\nBcc: c@d"]}}, "notification_channel.recipients[0]"),
        ({"notification_channel": {"type": "email", "recipients": ["a@b"] * 21}}, "notification_channel.recipients.length"),
        ({"notification_channel": {**CHANNEL, "subject_prefix": "a\r\nBcc: c@d"}}, "subject_prefix"),
    ],
)  # fmt: skip
async def test_what_is_no_alert(api: httpx.AsyncClient, alerts: str, changes: dict[str, Any], param: str) -> None:
    """The parameter is named, and nothing is made or changed."""
    made = await post(api, alerts, **ALERT)
    wrong = {name: value for name, value in {**ALERT, **changes}.items() if value is not None}
    for path in (alerts, f"{alerts}/{made['id']}"):
        assert error_of(await api.post(path, json=wrong))[::2] == (400, param)
    assert (await read(api, alerts))["data"] == [made]


async def test_a_value_as_a_bomb_is_refused_or_kept(api: httpx.AsyncClient, alerts: str) -> None:
    """In the place of each value of a body that is right; the list is still there."""
    for path in fields(ALERT):
        for what, raw in VALUES.items():
            answer = await api.post(alerts, content=with_value(ALERT, path, raw))
            assert answer.status_code < 400 or is_civil(answer), (path, what, answer.text[:200])
    assert (await read(api, alerts))["object"] == "list"


async def test_there_are_not_very_many(api: httpx.AsyncClient, alerts: str) -> None:
    """They are part of one record."""
    for _ in range(20):
        await post(api, alerts, **ALERT)
    assert error_of(await api.post(alerts, json=ALERT))[:2] == (400, "too_many_spend_alerts")


async def test_a_create_that_is_repeated_makes_one(api: httpx.AsyncClient, alerts: str) -> None:
    """With an `Idempotency-Key`, as every create call."""
    made = [await post(api, alerts, {"idempotency-key": "once"}, **ALERT) for _ in range(2)]

    assert made[0] == made[1]
    assert len((await read(api, alerts))["data"]) == 1


async def test_an_alert_is_its_owners(api: httpx.AsyncClient, alerts: str) -> None:
    """Another project does not know it, nor does the organization."""
    made = (await post(api, alerts, **ALERT))["id"]
    other = await new_project(api, "Other")
    others = {f"{other}/spend_alerts", f"{ORGANIZATION}/spend_alerts"} - {alerts}
    for path in (f"{each}/{made}" for each in others):
        for answer in (await api.get(path), await api.post(path, json=ALERT), await api.delete(path)):
            assert error_of(answer)[0] == 404, path
    assert len((await read(api, alerts))["data"]) == 1


async def test_an_archived_project_is_not_changed(api: httpx.AsyncClient) -> None:
    """Its alerts are still shown."""
    project = await new_project(api)
    made = await post(api, f"{project}/spend_alerts", **ALERT)
    await post(api, f"{project}/archive")
    path = f"{project}/spend_alerts/{made['id']}"

    for answer in (await api.post(path, json=TERMS | {"notification_channel": CHANNEL, "threshold_amount": 1}),
                   await api.delete(path), await api.post(f"{project}/spend_alerts", json=ALERT)):  # fmt: skip
        assert error_of(answer)[:2] == (409, "project_archived")
    assert (await read(api, path)) == made


async def test_what_is_asked_for_is_written_down(
    api: httpx.AsyncClient, alerts: str, kind: str, services: Services
) -> None:
    """In the audit log, as a change of whom it is of, with the alert's id."""
    made = (await post(api, alerts, **ALERT))["id"]
    await api.delete(f"{alerts}/{made}")
    logs = (await read(api, f"{ORGANIZATION}/audit_logs", **{"event_types[]": f"{kind}.updated"}))["data"]

    asked = [log[f"{kind}.updated"]["changes_requested"]["spend_alert"] for log in logs]
    assert sorted(asked, key=len) == [{"id": made, "deleted": True}, {"id": made, **ALERT}]
