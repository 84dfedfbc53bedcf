"""The audit log: every act is in it, before it is done, and no secret is (contract 10.2, 10.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from api.mounts import MOUNTS
from shared.domain.errors import Unavailable
from shared.services import Services
from tests.api.administration import ADMIN_KEYS, ORGANIZATION, PROJECTS, error_of, new_account, new_project, post, read
from tests.api.harness import Clock

LOGS = f"{ORGANIZATION}/audit_logs"


async def types(api: httpx.AsyncClient, **query: Any) -> list[str]:
    return [log["type"] for log in (await read(api, LOGS, **query))["data"]]


async def visit(api: httpx.AsyncClient, clock: Clock) -> dict[str, str]:
    """One of each act, a second apart; the ids of what was made."""

    async def act(method: str, path: str, **body: Any) -> dict[str, Any]:
        clock.advance(seconds=1)
        response = await api.request(method, path, json=body or None)
        assert response.status_code == 200, response.text
        return response.json()

    project = (await act("POST", PROJECTS, name="One"))["id"]
    path = f"{PROJECTS}/{project}"
    await act("POST", path, name="Two")
    account = await act("POST", f"{path}/service_accounts", name="job")
    key = await act("POST", f"{path}/service_accounts/{account['id']}/api_keys", name="a", scopes=["api.files.read"])
    await act("POST", f"{path}/service_accounts/{account['id']}", role="owner")
    await act("POST", f"{path}/api_keys/{key['id']}", scopes=[])
    await act("DELETE", f"{path}/api_keys/{key['id']}")
    await act("POST", f"{path}/model_permissions", mode="allow_list", model_ids=["m"])
    await act("DELETE", f"{path}/model_permissions")
    await act("POST", f"{path}/spend_limit", currency="USD", interval="month", threshold_amount=1)
    await act("DELETE", f"{path}/spend_limit")
    await visit_alerts(act, path)
    # A rate limit is of a deployment, of which there is none here: `test_project_limits` has it.
    await act("DELETE", f"{path}/service_accounts/{account['id']}")
    await act("POST", f"{ORGANIZATION}/spend_limit", currency="USD", interval="month", threshold_amount=1)
    await act("DELETE", f"{ORGANIZATION}/spend_limit")
    await visit_alerts(act, ORGANIZATION)
    admin = await act("POST", ADMIN_KEYS, name="me")
    await act("DELETE", f"{ADMIN_KEYS}/{admin['id']}")
    await act("POST", f"{path}/archive")
    made = {"project": project, "account": account["id"], "first": account["api_key"]["id"], "key": key["id"]}
    return made | {"admin": admin["id"], "values": account["api_key"]["value"] + key["value"] + admin["value"]}


async def visit_alerts(act: Callable[..., Awaitable[dict[str, Any]]], path: str) -> None:
    alert = {"currency": "USD", "interval": "month", "threshold_amount": 1}
    channel = {"notification_channel": {"type": "email", "recipients": ["ada@example.com"]}}
    made = (await act("POST", f"{path}/spend_alerts", **alert, **channel))["id"]
    await act("POST", f"{path}/spend_alerts/{made}", **alert | {"threshold_amount": 2}, **channel)
    await act("DELETE", f"{path}/spend_alerts/{made}")


ALL = [
    "project.created",
    "project.updated",
    "service_account.created",
    "api_key.created",
    "api_key.created",
    "service_account.updated",
    "api_key.updated",
    "api_key.deleted",
    *["project.updated"] * 7,
    "service_account.deleted",
    "api_key.deleted",
    *["organization.updated"] * 5,
    "api_key.created",
    "api_key.deleted",
    "project.archived",
]


async def test_every_act_is_in_the_log(api: httpx.AsyncClient, clock: Clock) -> None:
    """Newest first; reading leaves no trace."""
    await visit(api, clock)

    found = await types(api, limit=100)
    assert sorted(found) == sorted(ALL)  # Two of one millisecond are in no order.
    assert (found[0], found[-1]) == (ALL[-1], ALL[0])


def test_every_route_that_changes_something_is_visited() -> None:
    """A new one has to be in `visit`."""
    mount = next(mount for mount in MOUNTS if mount.name == "organization")

    assert len([route for route in mount.all_routes if route.method != "GET"]) == 24


async def test_no_secret_is_in_the_log(api: httpx.AsyncClient, clock: Clock, services: Services) -> None:
    """Neither in the answer nor in what is stored."""
    values = (await visit(api, clock))["values"]
    secrets = [values[start + 26 : start + 69] for start in (0, 75, 150)]
    shown = (await api.get(LOGS, params={"limit": 100})).text

    assert not [secret for secret in secrets if secret in shown]
    assert "digest" not in shown


async def test_an_entry_says_who_did_what_to_what(api: httpx.AsyncClient, clock: Clock) -> None:
    """Every key of it; the project by the name that it has now."""
    made = await visit(api, clock)
    oldest = (await read(api, LOGS, limit=100))["data"][-1]

    assert oldest == {
        "id": oldest["id"],
        "type": "project.created",
        "effective_at": int(clock.now.timestamp()) - 22,
        "actor": {
            "type": "api_key",
            "name": "bootstrap key",
            "api_key": {"id": "bootstrap_key", "type": "user"},
        },
        "project": {"id": made["project"], "name": "Two"},
        "project.created": {"id": made["project"], "data": {"name": "One"}},
    }
    [updated] = (await read(api, LOGS, event_types="api_key.updated"))["data"]
    assert updated["api_key.updated"] == {"id": made["key"], "changes_requested": {"scopes": []}}


async def test_an_administrators_key_is_named(api: httpx.AsyncClient) -> None:
    """By its id and name, and its acts are found by it; it is of no project itself."""
    admin = await post(api, ADMIN_KEYS, name="Ada")
    await api.post(PROJECTS, json={"name": "One"}, headers={"authorization": f"Bearer {admin['value']}"})
    [created] = (await read(api, LOGS, **{"actor_ids[]": admin["id"]}))["data"]
    [made] = (await read(api, LOGS, event_types="api_key.created"))["data"]

    assert created["actor"] == {"type": "api_key", "name": "Ada", "api_key": {"id": admin["id"], "type": "user"}}
    assert (created["type"], "project" in made) == ("project.created", False)


@pytest.mark.parametrize("brackets", ["", "[]"])
async def test_the_log_is_narrowed(api: httpx.AsyncClient, clock: Clock, brackets: str) -> None:
    """By type, project, actor and object, each of several; all filters hold at once."""
    made = await visit(api, clock)
    await new_account(api, await new_project(api))

    async def count(**query: Any) -> int:
        return len(await types(api, limit=100, **{f"{name}{brackets}": value for name, value in query.items()}))

    assert await count() == len(ALL) + 3
    assert await count(event_types=["project.archived", "project.created"]) == 3
    assert await count(event_types=["project.archived", "project.created"], project_ids=[made["project"]]) == 2
    assert (
        await count(project_ids=[made["project"]]) == len(ALL) - 7
    )  # Of no project: two of administrators, five of all.
    assert await count(resource_ids=[made["key"], made["account"]]) == 6
    assert await count(actor_ids=[made["admin"]]) == 0
    assert await count(event_types=["login.failed"]) == 0
    assert await count(actor_emails=["ada@example.com"]) == 0
    assert await count(project_ids=["of another service"]) == 0


async def test_the_log_is_narrowed_to_a_time(api: httpx.AsyncClient, clock: Clock) -> None:
    """By whole seconds, with and without the bounds."""
    await visit(api, clock)
    last = int(clock.now.timestamp())

    async def found(**bounds: int) -> list[str]:
        return await types(api, limit=100, **{f"effective_at[{name}]": value for name, value in bounds.items()})

    assert await found(gte=last) == ["project.archived"]
    assert await found(gt=last) == []
    assert await found(gt=last - 1, lte=last) == ["project.archived"]
    assert await found(lte=last - 22) == ["project.created"]
    assert await found(lt=last - 22) == []
    assert await found(gte=last - 21, lt=last - 20) == ["project.updated"]


async def test_the_log_pages_both_ways(api: httpx.AsyncClient, clock: Clock) -> None:
    """`after` goes on to what is older, `before` to what is newer, next to it."""
    await visit(api, clock)
    ids = [log["id"] for log in (await read(api, LOGS, limit=100))["data"]]
    older = await read(api, LOGS, limit=4, after=ids[2])
    newer = await read(api, LOGS, limit=4, before=ids[6])

    assert [log["id"] for log in older["data"]] == ids[3:7]
    assert [log["id"] for log in newer["data"]] == ids[2:6]
    assert (older["has_more"], newer["has_more"]) == (True, True)
    assert [log["id"] for log in (await read(api, LOGS, limit=4, before=ids[3]))["data"]] == ids[:3]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"after": "audit_log-1"}, "after"),
        ({"before": "audit_log-1"}, "before"),
        ({"effective_at[gt]": "now"}, "effective_at[gt]"),
        ({"effective_at[lt]": "-1"}, "effective_at[lt]"),
        ({"effective_at[lt]": "9" * 18}, "effective_at[lt]"),
        ({"limit": "101"}, "limit"),
    ],
)
async def test_wrong_queries_name_the_parameter(api: httpx.AsyncClient, query: dict[str, str], param: str) -> None:
    """400."""
    status, _, found = error_of(await api.get(LOGS, params=query))

    assert (status, found) == (400, param)


async def test_what_cannot_be_written_down_is_not_done(
    api: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 for every act, and all is as it was."""
    project = await new_project(api)
    account = await new_account(api, project)
    admin = await post(api, ADMIN_KEYS, name="me")
    path, key = f"{project}/service_accounts", f"{project}/api_keys/{account['api_key']['id']}"
    shown = [PROJECTS, project, path, f"{project}/api_keys", ADMIN_KEYS]
    before = [await read(api, one) for one in shown]

    async def full(_: object) -> None:
        raise Unavailable("The log cannot be written. Try again later.")

    monkeypatch.setattr(services.stores.audit_log, "append", full)
    answers = [
        await api.post(PROJECTS, json={"name": "Two"}),
        await api.post(project, json={"name": "Two"}),
        await api.post(f"{project}/archive"),
        await api.post(f"{project}/model_permissions", json={"mode": "deny_list", "model_ids": ["m"]}),
        await api.post(path, json={"name": "Two"}),
        await api.post(f"{path}/{account['id']}", json={"name": "Two"}),
        await api.post(f"{path}/{account['id']}/api_keys", json={}),
        await api.delete(f"{path}/{account['id']}"),
        await api.post(key, json={"scopes": ["api.files.read"]}),
        await api.delete(key),
        await api.post(ADMIN_KEYS, json={"name": "me"}),
        await api.delete(f"{ADMIN_KEYS}/{admin['id']}"),
    ]

    assert {answer.status_code for answer in answers} == {503}
    assert [await read(api, one) for one in shown] == before


async def test_a_repeated_create_is_written_down_once(api: httpx.AsyncClient) -> None:
    """Of a project; of a key each value that was given out."""
    for count in range(3):
        await post(api, PROJECTS, {"x-stainless-retry-count": str(count)}, name="One")

    assert await types(api) == ["project.created"]
