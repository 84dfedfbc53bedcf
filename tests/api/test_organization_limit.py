"""What all projects may spend together, over REST (contract 10.2, 10.3)."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import httpx
import pytest

from shared.domain.batches.spending import organization_account
from shared.domain.usage.money import PICOS
from shared.ports.spending import Amount
from shared.services import Services
from tests.api.administration import ORGANIZATION, error_of, new_account, new_project, post, read
from tests.api.harness import Clock

LIMIT = f"{ORGANIZATION}/spend_limit"
TEN = {"currency": "USD", "interval": "month", "threshold_amount": 1000}
BATCH = {"input_file_id": "file-unknown", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


async def spend(services: Services, dollars: float) -> None:
    today = services.now().astimezone(UTC).date()
    amount = Amount(int(dollars * PICOS), 1)
    await services.stores.spending.put(organization_account("USD"), today, "a batch", amount)


async def test_a_limit_is_set_shown_and_taken_away(api: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """With what all projects have used of it."""
    assert error_of(await api.get(LIMIT))[0] == 404
    made = await post(api, LIMIT, **TEN, stops_batches=True)
    await spend(services, 2.5)

    assert made == {
        "object": "organization.spend_limit",
        **TEN,
        "stops_batches": True,
        "enforcement": {"status": "inactive"},
        "used": {"value": 0.0, "currency": "USD"},
    }
    assert await read(api, LIMIT) == made | {"used": {"value": 2.5, "currency": "USD"}}
    clock.advance(seconds=1)
    deleted = await api.delete(LIMIT)
    assert (deleted.status_code, deleted.json()) == (
        200,
        {"object": "organization.spend_limit.deleted", "deleted": True},
    )
    assert error_of(await api.get(LIMIT))[0] == 404
    (log,) = (await read(api, f"{ORGANIZATION}/audit_logs", limit=1, **{"resource_ids[]": "organization"}))["data"]
    changes = {"changes_requested": {"spend_limit": {"threshold_amount": None}}}
    assert log["organization.updated"] == {"id": "organization", **changes}


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"interval": "year"}, "interval"), ({"threshold_amount": -1}, "threshold_amount"), ({"models": {}}, "models")],
)
async def test_what_is_no_limit(api: httpx.AsyncClient, changes: dict[str, Any], param: str) -> None:
    """The parameter is named, and nothing is set; limits of single models are projects'."""
    assert error_of(await api.post(LIMIT, json=TEN | changes))[::2] == (400, param)
    assert error_of(await api.get(LIMIT))[0] == 404


async def test_no_project_creates_while_it_is_reached(
    api: httpx.AsyncClient, anonymous: httpx.AsyncClient, services: Services
) -> None:
    """429 that SDKs do not repeat, whoever has spent it; how much that is stays unsaid. A higher one lets in again."""
    key = (await new_account(api, await new_project(api)))["api_key"]["value"]
    clients = ((api, {}), (anonymous, {"authorization": f"Bearer {key}"}))
    await post(api, LIMIT, **TEN)
    await spend(services, 12)

    assert (await read(api, LIMIT))["enforcement"] == {"status": "enforcing"}
    for client, headers in clients:
        refused = await client.post("/v1/batches", json=BATCH, headers=headers)
        assert error_of(refused)[:2] == (429, "project_spend_limit_exceeded")
        assert refused.headers["x-should-retry"] == "false"
        message = refused.json()["error"]["message"]
        assert message.startswith("The spend limit of this organization is reached: 10.00 USD a month. Ask")
    await post(api, LIMIT, **TEN | {"threshold_amount": 1201})
    for client, headers in clients:
        assert (await client.post("/v1/batches", json=BATCH, headers=headers)).status_code == 200
