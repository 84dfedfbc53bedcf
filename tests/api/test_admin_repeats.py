"""Create calls of administration that SDKs repeat make nothing twice (contract 6.5, 10.2)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from shared.domain.keys.key_text import digest_of, parse_key
from shared.services import Services
from tests.api.administration import ADMIN_KEYS, PROJECTS, error_of, names, new_account, new_project, post, read
from tests.api.harness import Clock

FIRST, RETRY, SECOND_RETRY = ({"x-stainless-retry-count": str(count)} for count in range(3))


async def opens(services: Services, value: str) -> bool:
    """Whether this text is that of a key that is stored."""
    key = parse_key(value)
    assert key is not None
    stored = await services.stores.api_keys.get(key.id)
    return stored is not None and stored.value.digest == digest_of(key, services.settings.peppers[stored.value.pepper])


async def test_a_repeated_project_is_one(api: httpx.AsyncClient) -> None:
    """And the answer is the first one's; a call that repeats nothing makes another."""
    made = [await post(api, PROJECTS, headers, name="One") for headers in (FIRST, RETRY, SECOND_RETRY)]

    assert made[0] == made[1] == made[2]
    assert await names(api, PROJECTS) == ["Default project", "One"]
    await post(api, PROJECTS, FIRST, name="One")
    assert await names(api, PROJECTS) == ["Default project", "One", "One"]


async def test_a_repeated_account_is_one_with_one_key(api: httpx.AsyncClient, services: Services) -> None:
    """The key of the last answer works, the ones before do not: nobody has got them."""
    project = await new_project(api)
    path = f"{project}/service_accounts"
    made = [await post(api, path, headers, name="job") for headers in (FIRST, RETRY, SECOND_RETRY)]

    assert len({account["id"] for account in made}) == len({account["api_key"]["id"] for account in made}) == 1
    assert await names(api, path) == await names(api, f"{project}/api_keys") == ["job"]
    assert [await opens(services, account["api_key"]["value"]) for account in made] == [False, False, True]


@pytest.mark.parametrize("of_administrator", [False, True])
async def test_a_repeated_key_is_one(api: httpx.AsyncClient, services: Services, of_administrator: bool) -> None:  # noqa: FBT001 - a case
    """The same id, another value, and no limit lost."""
    project = await new_project(api)
    account = await new_account(api, project, create_service_account_only=True)
    path = ADMIN_KEYS if of_administrator else f"{project}/service_accounts/{account['id']}/api_keys"
    body = {"name": "a", "expires_in_seconds": 60} | ({} if of_administrator else {"scopes": ["api.files.read"]})
    first, second = [await post(api, path, headers, **body) for headers in (FIRST, RETRY)]

    changing = ("value", "redacted_value")
    assert {name: value for name, value in first.items() if name not in changing} == {
        name: value for name, value in second.items() if name not in changing
    }
    assert [await opens(services, made["value"]) for made in (first, second)] == [False, True]


async def test_a_retry_of_what_never_came_makes_it(api: httpx.AsyncClient, services: Services) -> None:
    """The first attempt may have been lost on its way."""
    project = await new_project(api)
    made = await post(api, f"{project}/service_accounts", RETRY, name="job")

    assert await opens(services, made["api_key"]["value"])


async def test_attempts_at_once_make_one(api: httpx.AsyncClient, services: Services) -> None:
    """One key is there at the end, and one of the answers opens it. A first attempt that comes after them is no repetition."""
    project = await new_project(api)
    path = f"{project}/service_accounts"
    retries = ({"x-stainless-retry-count": str(count)} for count in (1, 2, 3))
    calls = [api.post(path, json={"name": "job"}, headers=headers) for headers in retries]
    answers = [answer for answer in await asyncio.gather(*calls) if answer.status_code == 200]

    assert await names(api, path) == await names(api, f"{project}/api_keys") == ["job"]
    values = [answer.json()["api_key"]["value"] for answer in answers]
    assert [await opens(services, value) for value in values].count(True) == 1


async def repeated(api: httpx.AsyncClient, path: str, **body: Any) -> list[httpx.Response]:
    """Two calls with one key of the caller's."""
    return [await api.post(path, json=body, headers={"idempotency-key": "mine"}) for _ in range(2)]


async def test_an_idempotency_key_never_takes_a_key_away(api: httpx.AsyncClient, services: Services) -> None:
    """The first answer may have arrived: the second call is refused, and the key works on."""
    project = await new_project(api)
    first, second = await repeated(api, f"{project}/service_accounts", name="job")

    assert error_of(second) == (409, "already_created", None)
    assert first.json()["api_key"]["id"] in second.json()["error"]["message"]
    assert await opens(services, first.json()["api_key"]["value"])


async def test_an_idempotency_key_makes_one_project(api: httpx.AsyncClient) -> None:
    """Nothing of it is secret: both calls get it."""
    first, second = await repeated(api, PROJECTS, name="One")

    assert first.json() == second.json()
    assert await names(api, PROJECTS) == ["Default project", "One"]


async def test_a_late_retry_takes_nothing_away(api: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """With a key of the caller's the call is known for a day, its answer is replaced for minutes."""
    project, headers = await new_project(api), {"idempotency-key": "mine"}
    made = await post(api, f"{project}/service_accounts", headers, name="job")
    clock.advance(minutes=6)
    late = await api.post(f"{project}/service_accounts", json={"name": "job"}, headers=headers | RETRY)

    assert error_of(late) == (409, "already_created", None)
    assert await opens(services, made["api_key"]["value"])


async def test_an_account_without_a_key_is_answered_again(api: httpx.AsyncClient) -> None:
    """Nothing of it is secret."""
    project = await new_project(api)
    first, second = await repeated(api, f"{project}/service_accounts", name="job", create_service_account_only=True)

    assert first.json() == second.json()
    assert len((await read(api, f"{project}/service_accounts"))["data"]) == 1
