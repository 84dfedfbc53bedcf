"""Who may administer: an administrator, and no project's key, whatever it is allowed (contract 10.1)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.mounts import MOUNTS
from shared.domain.keys.scopes import NAMES, Scope
from tests.api.administration import ADMIN_KEYS, PROJECTS, error_of, names, new_account, new_project, post, read
from tests.api.harness import Clock
from tests.api.test_spend_alerts import ALERT

ORGANIZATION = next(mount for mount in MOUNTS if mount.name == "organization")


def bearer(value: str) -> dict[str, str]:
    return {"authorization": f"Bearer {value}"}


def test_every_route_of_administration_needs_an_administrator() -> None:
    """No route of the mount is open to a project's key, but reports: of its own use."""
    assert {route.scope for route in ORGANIZATION.all_routes} == {Scope.ADMIN, Scope.USAGE}
    assert all(route.method == "GET" for route in ORGANIZATION.all_routes if route.scope is Scope.USAGE)


async def test_nobody_administers_without_a_key(anonymous: httpx.AsyncClient) -> None:
    """401."""
    assert (await anonymous.get(PROJECTS)).status_code == 401


@pytest.mark.parametrize("scopes", [[], ["api.all"], list(NAMES)])
async def test_a_projects_key_administers_nothing(api: httpx.AsyncClient, scopes: list[str]) -> None:
    """403 on every route, for keys without limits as well; nothing is made, changed or deleted."""
    project = await new_project(api)
    account = await new_account(api, project, scopes=scopes)
    admin = await post(api, ADMIN_KEYS, name="me")
    alert = await post(api, f"{project}/spend_alerts", **ALERT)
    kept = (project, f"{project}/api_keys", f"{project}/spend_alerts", ADMIN_KEYS)
    before = [await read(api, path) for path in kept]
    key = bearer(account["api_key"]["value"])
    values = {
        "project_id": project.rpartition("/")[2],
        "service_account_id": account["id"],
        "key_id": account["api_key"]["id"],
        "rate_limit_id": "rl-m",
        "alert_id": alert["id"],
    }
    for route in (route for route in ORGANIZATION.all_routes if route.scope is Scope.ADMIN):
        ids = values | ({"key_id": admin["id"]} if "admin" in route.path else {})
        path = f"/{ORGANIZATION.at(route.path)}".format(**ids)
        body: dict[str, Any] | None = {"name": "wider"} if route.method == "POST" else None
        answer = await api.request(route.method, path, json=body, headers=key)
        assert answer.status_code == 403, f"{route.method} {path}"

    after = [await read(api, path) for path in kept]
    for key_page in (before[1], after[1]):
        key_page["data"] = [{**one, "last_used_at": None} for one in key_page["data"]]
    assert after == before
    assert sorted(await names(api, PROJECTS)) == ["Default project", "One"]


async def test_an_administrators_key_administers_and_nothing_else(api: httpx.AsyncClient) -> None:
    """It makes keys; files and batches are for the keys of projects."""
    admin = bearer((await post(api, ADMIN_KEYS, name="me"))["value"])

    assert (await api.get(PROJECTS, headers=admin)).status_code == 200
    made = await api.post(f"{PROJECTS}/proj_default/service_accounts", json={"name": "job"}, headers=admin)
    assert made.status_code == 200
    assert {(await api.get(path, headers=admin)).status_code for path in ("/v1/files", "/v1/batches")} == {403}


async def test_a_new_key_works_at_once_and_a_deleted_one_no_more(api: httpx.AsyncClient) -> None:
    """Also when it was let in a moment ago."""
    project = await new_project(api)
    account = await new_account(api, project)
    key = bearer(account["api_key"]["value"])

    assert (await api.get("/v1/files", headers=key)).status_code == 200
    await api.delete(f"{project}/api_keys/{account['api_key']['id']}")
    assert error_of(await api.get("/v1/files", headers=key)) == (401, "invalid_api_key", None)


@pytest.mark.parametrize("path", ["", "/archive"])
async def test_a_key_ends_with_its_account_and_its_project(api: httpx.AsyncClient, path: str) -> None:
    """At once in this process."""
    project = await new_project(api)
    account = await new_account(api, project)
    key = bearer(account["api_key"]["value"])
    assert (await api.get("/v1/files", headers=key)).status_code == 200
    ended = (
        await api.post(f"{project}/archive")
        if path
        else await api.delete(f"{project}/service_accounts/{account['id']}")
    )

    assert ended.status_code == 200
    assert (await api.get("/v1/files", headers=key)).status_code == 401


async def test_a_key_is_narrowed_and_widened_at_once(api: httpx.AsyncClient) -> None:
    """By an administrator."""
    project = await new_project(api)
    account = await new_account(api, project, scopes=["api.batches.read"])
    key, path = bearer(account["api_key"]["value"]), f"{project}/api_keys/{account['api_key']['id']}"

    assert (await api.get("/v1/files", headers=key)).status_code == 403
    await post(api, path, scopes=["api.files.read"])
    assert (await api.get("/v1/files", headers=key)).status_code == 200
    assert (await api.get("/v1/batches", headers=key)).status_code == 403
    await post(api, path, scopes=[])
    assert (await api.get("/v1/batches", headers=key)).status_code == 200


async def test_a_key_ends_when_it_was_said_to(api: httpx.AsyncClient, clock: Clock) -> None:
    """To the second."""
    project = await new_project(api)
    key = bearer((await new_account(api, project, expires_in_seconds=60))["api_key"]["value"])
    clock.advance(seconds=59)

    assert (await api.get("/v1/files", headers=key)).status_code == 200
    clock.advance(seconds=1)
    assert (await api.get("/v1/files", headers=key)).status_code == 401


async def test_the_last_administrators_key_may_go(api: httpx.AsyncClient) -> None:
    """Even by itself: the bootstrap key stays."""
    made = await post(api, ADMIN_KEYS, name="me")
    admin = bearer(made["value"])

    assert (await api.delete(f"{ADMIN_KEYS}/{made['id']}", headers=admin)).status_code == 200
    assert (await api.get(PROJECTS, headers=admin)).status_code == 401
    assert (await api.get(PROJECTS)).status_code == 200
