"""Service accounts and keys, over REST (contract 10.2, 10.3)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.key_text import parse_key
from shared.services import Services
from tests.api.administration import ADMIN_KEYS, error_of, names, new_account, new_project, post, read
from tests.api.harness import Clock


async def test_an_account_is_created_with_its_first_key(api: httpx.AsyncClient, clock: Clock) -> None:
    """Every key of both; the key is named like the account."""
    made = await new_account(api, await new_project(api), expires_in_seconds=60)
    now = int(clock.now.timestamp())

    assert made == {
        "id": made["id"],
        "object": "organization.project.service_account",
        "name": "job",
        "role": "member",
        "created_at": now,
        "api_key": {
            "id": made["api_key"]["id"],
            "object": "organization.project.service_account.api_key",
            "name": "job",
            "value": made["api_key"]["value"],
            "created_at": now,
            "expires_at": now + 60,
            "scopes": [],
            "models": [],
            "labels": {},
            "max_priority": "high",
            "spend_limit": None,
        },
    }
    parsed = parse_key(made["api_key"]["value"])
    assert parsed is not None
    assert (f"key_{parsed.id}", parsed.is_admin) == (made["api_key"]["id"], False)
    assert made["id"].startswith("svc_acct_")


async def test_an_account_may_be_alone(api: httpx.AsyncClient) -> None:
    """Then its role is none, and there is no key."""
    project = await new_project(api)
    made = await new_account(api, project, create_service_account_only=True)

    assert (made["role"], made["api_key"]) == ("none", None)
    assert (await read(api, f"{project}/api_keys"))["data"] == []


async def test_accounts_are_listed_changed_and_deleted(api: httpx.AsyncClient) -> None:
    """Those of the project alone."""
    project, other = await new_project(api), await new_project(api)
    account = await new_account(api, project)
    await new_account(api, other, name="other")
    path = f"{project}/service_accounts/{account['id']}"
    changed = await post(api, path, name="new", role="owner")

    assert changed == {key: value for key, value in account.items() if key != "api_key"} | {
        "name": "new",
        "role": "owner",
    }
    assert await read(api, path) == changed == (await read(api, f"{project}/service_accounts"))["data"][0]
    assert await names(api, f"{project}/service_accounts") == ["new"]
    deleted = await api.delete(path, headers={"content-type": "application/json"})
    assert deleted.json() == {
        "id": account["id"],
        "object": "organization.project.service_account.deleted",
        "deleted": True,
    }
    assert {(await api.delete(path)).status_code, (await api.get(path)).status_code} == {404}


async def test_an_accounts_keys_go_with_it(api: httpx.AsyncClient, services: Services) -> None:
    """All of its own, however many; those of others stay."""
    project = await new_project(api)
    account, other = await new_account(api, project), await new_account(api, project, name="other")
    path = f"{project}/service_accounts/{account['id']}"
    await asyncio.gather(*(post(api, f"{path}/api_keys") for _ in range(120)))
    await api.delete(path)

    left = await services.stores.api_keys.list(project.rpartition("proj_")[2], limit=1000)
    assert [f"key_{key.id}" for key in left] == [other["api_key"]["id"]]


async def test_a_key_is_not_made_beside_the_deletion_of_its_account(
    api: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose account another process deletes at that moment is gone as well: nobody else would delete it."""
    project = await new_project(api)
    path = f"{project}/service_accounts/{(await new_account(api, project, create_service_account_only=True))['id']}"
    insert = services.stores.api_keys.insert

    async def overtaken(key: ApiKey) -> None:
        await api.delete(path)
        await insert(key)

    monkeypatch.setattr(services.stores.api_keys, "insert", overtaken)

    assert (await api.post(f"{path}/api_keys", json={})).status_code == 404
    assert await services.stores.api_keys.list(project.rpartition("proj_")[2], limit=10) == []


async def test_a_further_key_may_do_less(api: httpx.AsyncClient, clock: Clock) -> None:
    """Scopes, models, labels, spend limit and priority as given, in the answer and when it is looked at."""
    project = await new_project(api)
    account = await new_account(api, project)
    limit = {"currency": "EUR", "interval": "week", "threshold_amount": 5}
    limits = {"scopes": ["api.files.read"], "models": ["small"], "labels": {"app": "7"}, "spend_limit": limit}
    limits["max_priority"] = "low"
    made = await post(
        api, f"{project}/service_accounts/{account['id']}/api_keys", name="reader", expires_in_seconds=90, **limits
    )
    found = await read(api, f"{project}/api_keys/{made['id']}")
    now = int(clock.now.timestamp())

    assert {name: made[name] for name in limits} == limits
    assert found == {
        "id": made["id"],
        "object": "organization.project.api_key",
        "name": "reader",
        "redacted_value": f"dbk_...{made['value'][-4:]}",
        "created_at": now,
        "last_used_at": None,
        "expires_at": now + 90,
        "owner": {
            "type": "service_account",
            "service_account": {"id": account["id"], "name": "job", "role": "member", "created_at": now},
        },
        "owner_project_access": "active",
        **limits,
    }
    assert found in (await read(api, f"{project}/api_keys"))["data"]


async def test_a_key_is_shown_once(api: httpx.AsyncClient) -> None:
    """In no other answer, whatever is asked."""
    project = await new_project(api)
    account, admin = await new_account(api, project), await post(api, ADMIN_KEYS, name="me")
    values = [account["api_key"]["value"], admin["value"]]
    key = f"{project}/api_keys/{account['api_key']['id']}"
    answers = [
        await api.get(key),
        await api.get(f"{project}/api_keys"),
        await api.post(key, json={"scopes": ["api.all.read"]}),
        await api.get(f"{project}/service_accounts"),
        await api.get(f"{project}/service_accounts/{account['id']}"),
        await api.get(ADMIN_KEYS),
        await api.get(f"{ADMIN_KEYS}/{admin['id']}"),
        await api.delete(key),
        await api.delete(f"{ADMIN_KEYS}/{admin['id']}"),
    ]

    assert [answer.status_code for answer in answers] == [200] * 9
    secrets = [value[26:69] for value in values]
    assert not [answer.text for answer in answers for secret in secrets if secret in answer.text]


async def test_a_keys_limits_are_replaced(api: httpx.AsyncClient, clock: Clock) -> None:
    """What is not named stays; empty lists take the limit away; a life counts from the call."""
    project = await new_project(api)
    key = (
        await new_account(api, project, scopes=["api.files.read"], models=["m"], labels={"a": "b"}, max_priority="low")
    )["api_key"]
    path = f"{project}/api_keys/{key['id']}"
    clock.advance(seconds=30)

    narrow = await post(api, path, expires_in_seconds=60)
    assert (narrow["scopes"], narrow["models"], narrow["labels"]) == (["api.files.read"], ["m"], {"a": "b"})
    assert narrow["max_priority"] == "low"
    assert narrow["expires_at"] == int(clock.now.timestamp()) + 60
    wide = await post(api, path, scopes=[], models=[], labels={}, max_priority="high")
    assert (wide["scopes"], wide["models"], wide["labels"], wide["max_priority"]) == ([], [], {}, "high")
    assert wide["expires_at"] == narrow["expires_at"]


async def test_an_expired_key_stays_expired(api: httpx.AsyncClient, clock: Clock) -> None:
    """409, and no SDK tries again."""
    project = await new_project(api)
    key = (await new_account(api, project, expires_in_seconds=60))["api_key"]
    clock.advance(seconds=61)
    response = await api.post(f"{project}/api_keys/{key['id']}", json={"expires_in_seconds": 60})

    assert error_of(response) == (409, "api_key_expired", None)
    assert response.headers["x-should-retry"] == "false"


async def test_a_key_is_deleted_once(api: httpx.AsyncClient) -> None:
    """Then it is unknown."""
    project = await new_project(api)
    key = (await new_account(api, project))["api_key"]
    path = f"{project}/api_keys/{key['id']}"

    assert (await api.delete(path)).json() == {
        "id": key["id"],
        "object": "organization.project.api_key.deleted",
        "deleted": True,
    }
    assert {(await api.delete(path)).status_code, (await api.get(path)).status_code} == {404}


async def test_a_project_does_not_reach_what_is_anothers(api: httpx.AsyncClient) -> None:
    """Keys and accounts of another project are 404 under this one, and so is a key of the other kind."""
    mine, other = await new_project(api), await new_project(api)
    account, admin = await new_account(api, other), await post(api, ADMIN_KEYS, name="me")
    key = account["api_key"]["id"]
    paths = [
        f"{mine}/api_keys/{key}",
        f"{mine}/service_accounts/{account['id']}",
        f"{mine}/api_keys/{admin['id']}",
        f"{ADMIN_KEYS}/{key}",
    ]
    answers = [await api.request(method, path) for path in paths for method in ("GET", "DELETE")]
    answers += [await api.post(path, json={}) for path in paths[:3]]
    answers.append(await api.post(f"{paths[1]}/api_keys", json={}))

    assert [answer.status_code for answer in answers] == [404] * 12
    assert len((await read(api, f"{other}/api_keys"))["data"]) == 1


@pytest.mark.parametrize(
    ("access", "before", "after"), [("active", 1, 0), ("inactive", 0, 1), ("any", 1, 1), ("", 1, 1)]
)
async def test_keys_are_listed_by_access(api: httpx.AsyncClient, access: str, before: int, after: int) -> None:
    """It ends when the project is archived."""
    project = await new_project(api)
    await new_account(api, project)
    path = f"{project}/api_keys"

    assert len((await read(api, path, owner_project_access=access))["data"]) == before
    await api.post(f"{project}/archive")
    found = (await read(api, path, owner_project_access=access))["data"]
    assert [key["owner_project_access"] for key in found] == ["inactive"] * after


async def test_an_unknown_access_is_refused(api: httpx.AsyncClient) -> None:
    """400, naming the parameter."""
    response = await api.get(f"{await new_project(api)}/api_keys", params={"owner_project_access": "all"})

    assert error_of(response) == (400, "invalid_value", "owner_project_access")


async def test_lists_of_keys_page(api: httpx.AsyncClient) -> None:
    """Newest first, every key once."""
    project = await new_project(api)
    account = f"{project}/service_accounts/{(await new_account(api, project, create_service_account_only=True))['id']}"
    made = [(await post(api, f"{account}/api_keys"))["id"] for _ in range(5)]
    first = await read(api, f"{project}/api_keys", limit=3)
    second = await read(api, f"{project}/api_keys", limit=3, after=first["last_id"])

    assert [key["id"] for key in first["data"] + second["data"]] == sorted(made, reverse=True)
    assert (first["has_more"], second["has_more"]) == (True, False)


async def test_an_administrators_key(api: httpx.AsyncClient, clock: Clock) -> None:
    """Every key of the object; the value in the first answer alone; deleted once."""
    made = await post(api, ADMIN_KEYS, name="me", expires_in_seconds=60)
    path, now = f"{ADMIN_KEYS}/{made['id']}", int(clock.now.timestamp())
    value = made.pop("value")
    owner: dict[str, Any] = {"type": "user", "object": "organization.user", "id": "operator", "name": "Operator"}

    assert made == {
        "id": made["id"],
        "object": "organization.admin_api_key",
        "name": "me",
        "redacted_value": f"dba_...{value[-4:]}",
        "created_at": now,
        "last_used_at": None,
        "expires_at": now + 60,
        "owner": owner | {"created_at": now, "role": "owner"},
    }
    assert await read(api, path) == made
    deleted = await api.delete(path, headers={"content-type": "application/json"})
    assert deleted.json() == {"id": made["id"], "object": "organization.admin_api_key.deleted", "deleted": True}
    assert {(await api.delete(path)).status_code, (await api.get(path)).status_code} == {404}


@pytest.mark.parametrize("order", ["asc", "desc", ""])
async def test_administrators_keys_come_in_order(api: httpx.AsyncClient, order: str) -> None:
    """Newest first without it; pages go on from the last id."""
    made = sorted([(await post(api, ADMIN_KEYS, name=str(number)))["id"] for number in range(5)])
    first = await read(api, ADMIN_KEYS, order=order, limit=2)
    rest = await read(api, ADMIN_KEYS, order=order, limit=100, after=first["data"][-1]["id"])
    found = [key["id"] for key in first["data"] + rest["data"]]

    assert found == (made if order == "asc" else made[::-1])
    assert (first["has_more"], rest["has_more"]) == (True, False)


async def test_keys_of_a_project_are_no_administrators(api: httpx.AsyncClient) -> None:
    """The two lists have nothing in common."""
    project = await new_project(api)
    await new_account(api, project)
    await post(api, ADMIN_KEYS, name="me")

    assert await names(api, f"{project}/api_keys") == ["job"]
    assert await names(api, ADMIN_KEYS) == ["me"]
