"""What projects and keys may spend, over REST (contract 10.2, 10.3)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import httpx
import pytest

from shared.domain.batches.spending import key_account, project_account
from shared.domain.usage.money import PICOS
from shared.ports.spending import Amount
from shared.services import Services
from tests.api.administration import PROJECTS, error_of, new_account, new_project, post, read

DEFAULT = f"{PROJECTS}/proj_default/spend_limit"
TEN = {"currency": "USD", "interval": "month", "threshold_amount": 1000}
BATCH = {"input_file_id": "file-unknown", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


async def spend(services: Services, account: str, dollars: float) -> None:
    today = services.now().astimezone(UTC).date()
    await services.stores.spending.put(account, today, "a batch", Amount(int(dollars * PICOS), 1))


async def test_a_limit_is_set_shown_and_taken_away(api: httpx.AsyncClient, services: Services) -> None:
    """With what is used of it, and limits of single models."""
    assert error_of(await api.get(DEFAULT))[0] == 404
    models = {"m": {"currency": "EUR", "interval": "total", "threshold_amount": 5}}
    made = await post(api, DEFAULT, **TEN, models=models)
    await spend(services, project_account("USD", "default"), 2.5)

    assert made == {
        "object": "project.spend_limit",
        **TEN,
        "enforcement": {"status": "inactive"},
        "used": {"value": 0.0, "currency": "USD"},
        "models": models,
    }
    assert (await read(api, DEFAULT))["used"] == {"value": 2.5, "currency": "USD"}
    assert (await post(api, DEFAULT, **TEN))["models"] == {}
    deleted = await api.delete(DEFAULT)
    assert (deleted.status_code, deleted.json()) == (200, {"object": "project.spend_limit.deleted", "deleted": True})
    assert error_of(await api.get(DEFAULT))[0] == 404


async def test_a_limit_may_say_whether_it_stops_batches(api: httpx.AsyncClient) -> None:
    """It is shown where it was set, of models and keys as well."""
    models = {"m": {**TEN, "stops_batches": False}}
    made = await post(api, DEFAULT, **TEN, stops_batches=True, models=models)
    key = (await new_account(api, await new_project(api), spend_limit={**TEN, "stops_batches": True}))["api_key"]

    assert (made["stops_batches"], made["models"]) == (True, models)
    assert key["spend_limit"] == {**TEN, "stops_batches": True}
    assert "stops_batches" not in await post(api, DEFAULT, **TEN, stops_batches=None)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"currency": None}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"currency": 1}, "currency"),
        ({"interval": "year"}, "interval"),
        ({"interval": ["day"]}, "interval"),
        ({"threshold_amount": -1}, "threshold_amount"),
        ({"threshold_amount": 1.5}, "threshold_amount"),
        ({"threshold_amount": 10**16}, "threshold_amount"),
        ({"treshold": 1}, "treshold"),
        ({"stops_batches": "yes"}, "stops_batches"),
        ({"models": []}, "models"),
        ({"models": {"m": 1}}, "models.m"),
        ({"models": {"m": {"interval": "day", "threshold_amount": 1}}}, "models.m.currency"),
        ({"models": {"m": TEN | {"models": {}}}}, "models"),
    ],
)
async def test_what_is_no_limit(api: httpx.AsyncClient, changes: dict[str, Any], param: str) -> None:
    """The parameter is named, and nothing is set."""
    response = await api.post(DEFAULT, json=TEN | changes)

    assert (error_of(response)[0], error_of(response)[2]) == (400, param)
    assert error_of(await api.get(DEFAULT))[0] == 404


async def test_an_archived_project_takes_no_limit(api: httpx.AsyncClient) -> None:
    """It spends nothing any more."""
    project = await new_project(api)
    await post(api, f"{project}/archive")

    assert error_of(await api.post(f"{project}/spend_limit", json=TEN)) == (409, "project_archived", None)


@pytest.mark.parametrize("prefix", ["/v1", "/v1/openai", "/openai/v1"])
async def test_nothing_is_created_while_it_is_reached(api: httpx.AsyncClient, services: Services, prefix: str) -> None:
    """429 that SDKs do not repeat; a higher limit, or one in another currency, lets it in again."""
    await post(api, DEFAULT, **TEN)
    await spend(services, project_account("USD", "default"), 10)
    refused = await api.post(f"{prefix}/batches", json=BATCH)

    assert (await read(api, DEFAULT))["enforcement"] == {"status": "enforcing"}
    assert (refused.status_code, refused.headers["x-should-retry"]) == (429, "false")
    assert "The spend limit of this project is reached: 10.00 USD a month." in refused.json()["error"]["message"]
    if prefix != "/openai/v1":
        assert refused.json()["error"]["code"] == "project_spend_limit_exceeded"
        assert refused.json()["error"]["type"] == "insufficient_quota"
    assert await services.stores.batches.list("default", limit=10) == []
    await post(api, DEFAULT, **TEN | {"threshold_amount": 1001})
    assert (await api.post(f"{prefix}/batches", json=BATCH)).status_code in (200, 201)


async def test_a_keys_own_limit(api: httpx.AsyncClient, anonymous: httpx.AsyncClient, services: Services) -> None:
    """It narrows that of the project, is shown with the key, and may be taken away."""
    project = await new_project(api)
    await post(api, f"{project}/spend_limit", **TEN)
    key = (await new_account(api, project, spend_limit=TEN | {"threshold_amount": 100, "interval": "day"}))["api_key"]
    path, as_key = f"{project}/api_keys/{key['id']}", {"authorization": f"Bearer {key['value']}"}
    await spend(services, key_account("USD", key["id"].removeprefix("key_")), 1)
    refused = await anonymous.post("/v1/batches", json=BATCH, headers=as_key)

    assert key["spend_limit"] == {"currency": "USD", "interval": "day", "threshold_amount": 100}
    assert (await read(api, path))["spend_limit"] == key["spend_limit"]
    assert (refused.status_code, error_of(refused)[1]) == (429, "project_spend_limit_exceeded")
    assert "The spend limit of this API key is reached: 1.00 USD a day." in refused.json()["error"]["message"]
    assert (await post(api, path, spend_limit=None))["spend_limit"] == key["spend_limit"]
    assert (await post(api, path, spend_limit={}))["spend_limit"] is None
    assert (await anonymous.post("/v1/batches", json=BATCH, headers=as_key)).status_code == 200


async def test_a_project_has_a_weight(api: httpx.AsyncClient) -> None:
    """One part of a deployment, or as many as an administrator says."""
    project = await new_project(api)

    assert (await read(api, project))["weight"] == 1
    assert (await post(api, project, weight=3))["weight"] == 3
    assert (await post(api, project, name="Two"))["weight"] == 3
    for wrong in (0, 101, 1.5, "3"):
        assert error_of(await api.post(project, json={"weight": wrong}))[::2] == (400, "weight")
