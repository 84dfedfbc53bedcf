"""Projects and the models they may use, over REST (contract 10.2, 10.3)."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.administration import PROJECTS, error_of, names, new_account, new_project, post, read
from tests.api.harness import Clock

DEFAULT = f"{PROJECTS}/proj_default"


async def test_a_project_is_created_and_retrieved(api: httpx.AsyncClient, clock: Clock) -> None:
    """Every key of the object."""
    made = await post(api, PROJECTS, name="One", labels={"department": "red"})

    assert made == {
        "id": made["id"],
        "object": "organization.project",
        "name": "One",
        "created_at": int(clock.now.timestamp()),
        "archived_at": None,
        "status": "active",
        "external_key_id": None,
        "residency": None,
        "labels": {"department": "red"},
        "weight": 1,
        "limits": {"files": None, "stored_bytes": None, "requests_per_file": None, "active_batches": None},
    }
    assert made["id"].startswith("proj_")
    assert await read(api, f"{PROJECTS}/{made['id']}") == made


async def test_the_default_project_is_there(api: httpx.AsyncClient, clock: Clock) -> None:
    """Under its own id, with a time of creation that stays, in the list too."""
    found = await read(api, DEFAULT)
    clock.advance(hours=1)

    assert (found["id"], found["name"], found["status"]) == ("proj_default", "Default project", "active")
    assert await read(api, DEFAULT) == found
    assert (await read(api, PROJECTS))["data"] == [found]


async def test_it_is_in_the_list_before_anybody_looked_at_it(api: httpx.AsyncClient) -> None:
    """An administrator's first call may be the list."""
    assert await names(api, PROJECTS) == ["Default project"]


async def test_a_project_is_changed(api: httpx.AsyncClient) -> None:
    """What is not named stays; a null is not named."""
    project = await new_project(api, labels={"team": "red"})

    assert (await post(api, project, name="Two", labels=None))["labels"] == {"team": "red"}
    assert (await post(api, project, labels={}))["name"] == "Two"
    assert ((await read(api, project))["name"], (await read(api, project))["labels"]) == ("Two", {})


async def test_changes_at_once_all_happen(api: httpx.AsyncClient) -> None:
    """Of two fields changed by two calls neither is lost."""
    project = await new_project(api)
    await asyncio.gather(post(api, project, name="Two"), post(api, project, labels={"a": "b"}))
    found = await read(api, project)

    assert (found["name"], found["labels"]) == ("Two", {"a": "b"})


async def test_an_archived_project_is_listed_when_asked_for(api: httpx.AsyncClient, clock: Clock) -> None:
    """SDKs send JSON's type and an empty body; once more changes nothing."""
    project = await new_project(api)
    headers = {"content-type": "application/json"}
    archived = await api.post(f"{project}/archive", headers=headers)
    clock.advance(hours=1)
    again = await api.post(f"{project}/archive", headers=headers)

    assert (archived.status_code, archived.json()["status"]) == (200, "archived")
    assert again.json() == archived.json() == await read(api, project)
    assert await names(api, PROJECTS) == await names(api, PROJECTS, include_archived="false") == ["Default project"]
    assert sorted(await names(api, PROJECTS, include_archived="true")) == ["Default project", "One"]


async def test_an_archived_project_is_not_changed(api: httpx.AsyncClient) -> None:
    """Nor are its accounts, keys and permissions; deleting is still done."""
    project = await new_project(api)
    account = await new_account(api, project)
    await api.post(f"{project}/archive")
    accounts, key = f"{project}/service_accounts", f"{project}/api_keys/{account['api_key']['id']}"
    answers = [
        await api.post(project, json={"name": "Two"}),
        await api.post(accounts, json={"name": "a"}),
        await api.post(f"{accounts}/{account['id']}", json={"name": "a"}),
        await api.post(f"{accounts}/{account['id']}/api_keys", json={}),
        await api.post(key, json={"scopes": []}),
        await api.post(f"{project}/model_permissions", json={"mode": "allow_list", "model_ids": []}),
        await api.delete(f"{project}/model_permissions"),
    ]

    assert [error_of(answer) for answer in answers] == [(409, "project_archived", None)] * 7
    assert {answer.headers["x-should-retry"] for answer in answers} == {"false"}
    assert (await api.delete(key)).status_code == 200


async def test_the_default_project_cannot_be_archived(api: httpx.AsyncClient) -> None:
    """The bootstrap key works in it."""
    response = await api.post(f"{DEFAULT}/archive")

    assert error_of(response) == (400, "default_project", None)
    assert (await read(api, DEFAULT))["status"] == "active"


async def test_the_list_pages(api: httpx.AsyncClient) -> None:
    """By cursor, with the ids of the page's ends; every project once."""
    made = {(await new_project(api, name=str(number))).rpartition("/")[2] for number in range(5)}
    first = await read(api, PROJECTS, limit=4)
    second = await read(api, PROJECTS, limit=4, after=first["last_id"])
    found = [one["id"] for one in first["data"] + second["data"]]

    assert len(found) == len(set(found))
    assert set(found) == made | {"proj_default"}
    assert (first["object"], first["has_more"], second["has_more"]) == ("list", True, False)
    assert (first["first_id"], first["last_id"]) == (found[0], found[3])
    end = await read(api, PROJECTS, after=second["last_id"])
    assert end == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"after": "proj_none"}, "after"),
        ({"include_archived": "yes"}, "include_archived"),
    ],
)
async def test_wrong_queries_name_the_parameter(api: httpx.AsyncClient, query: dict[str, str], param: str) -> None:
    """400."""
    status, _, found = error_of(await api.get(PROJECTS, params=query))

    assert (status, found) == (400, param)


async def test_mistakes_change_nothing(api: httpx.AsyncClient) -> None:
    """Neither a wrong create nor a wrong update."""
    project = await new_project(api)

    assert error_of(await api.post(PROJECTS, json={"nam": "a"})) == (400, "missing_required_parameter", "name")
    assert error_of(await api.post(project, json={"name": "Two", "title": "b"})) == (400, "unknown_parameter", "title")
    assert sorted(await names(api, PROJECTS)) == ["Default project", "One"]


@pytest.mark.parametrize("path", ["", "/service_accounts", "/api_keys", "/model_permissions"])
@pytest.mark.parametrize("given", ["proj_none", "proj_" + "0" * 32, "proj_DEFAULT", "default%00", "%2e%2e"])
async def test_unknown_projects_are_404(api: httpx.AsyncClient, given: str, path: str) -> None:
    """On whatever path, in OpenAI's envelope."""
    response = await api.get(f"{PROJECTS}/{given}{path}")

    assert (response.status_code, response.json()["error"]["type"]) == (404, "invalid_request_error")


async def test_models_may_be_allowed_or_denied(api: httpx.AsyncClient) -> None:
    """As set last; none are 404 until they are set again."""
    path = f"{await new_project(api)}/model_permissions"
    none = await api.get(path)
    allowed = await post(api, path, mode="allow_list", model_ids=["b", "a", "b"])
    denied = await post(api, path, mode="deny_list", model_ids=[])

    assert error_of(none) == (404, None, None)
    assert allowed == {"object": "project.model_permissions", "mode": "allow_list", "model_ids": ["b", "a"]}
    assert await read(api, path) == denied == {**allowed, "mode": "deny_list", "model_ids": []}
    deleted = [await api.delete(path, headers={"content-type": "application/json"}) for _ in range(2)]
    assert [answer.json() for answer in deleted] == [
        {"object": "project.model_permissions.deleted", "deleted": True}
    ] * 2
    assert (await api.get(path)).status_code == 404
