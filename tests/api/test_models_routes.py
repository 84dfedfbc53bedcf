"""Models, and who is calling: what a key may use and do, and nothing of what it may not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace as replace_struct

from shared.domain.batches.spending import key_account, project_account
from shared.domain.deployments.deployment import Deployment, Role, Target
from shared.domain.deployments.price import Price, Rates
from shared.domain.keys.priority import Priority
from shared.domain.keys.project import ModelMode, ModelPermissions
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat
from shared.domain.usage.spend_limit import Interval, SpendLimit
from shared.ports.spending import Amount
from shared.services import Services, use
from tests.api.harness import KEY, Clock
from tests.api.made_keys import make_key, make_project, with_peppers

PRICE = Price(currency="EUR", rates=Rates(input=2_500_000, output=15_000_000, image=10**10))
DEPLOYMENTS = {
    "gpt": Deployment(name="gpt", base_url="http://secret.example/v1", api_key="sk-secret", price=PRICE),
    "small": Deployment(name="small", base_url="http://secret.example/v1", endpoints=("/v1/embeddings",)),
}


@pytest.fixture
async def service(services: Services) -> AsyncIterator[Services]:
    changed = with_peppers(replace(services, settings=replace(services.settings, deployments=DEPLOYMENTS)))
    with use(changed):
        yield changed


async def test_a_model_has_openais_keys_and_ours(anonymous: httpx.AsyncClient, service: Services) -> None:
    """Any scope is enough; prices are for a million tokens; address and credential stay out."""
    key = await make_key(service, await make_project(service), scopes=("files:read",))
    answer = await anonymous.get("/v1/models", headers=key.headers)
    gpt, small = answer.json()["data"]
    assert (gpt["id"], gpt["object"], gpt["created"], gpt["owned_by"]) == ("gpt", "model", 0, "system")
    assert (gpt["price"]["currency"], gpt["price"]["input"], gpt["price"]["image"]) == ("EUR", 2.5, 0.01)
    assert gpt["health"] == {"status": "ok", "until": None}
    assert (small["endpoints"], small["price"]) == (["/v1/embeddings"], None)
    assert "secret" not in answer.text


@pytest.mark.parametrize("prefix", ["/v1", "/v1/openai", "/openai/v1"])
@pytest.mark.parametrize("spelled", ["owner/a/model", "owner%2Fa%2fmodel", "owner%252Fa/model"])
async def test_a_name_with_slashes(anonymous: httpx.AsyncClient, service: Services, prefix: str, spelled: str) -> None:
    """As clients write it, who escape slashes or do not; `%252F` is what Azure's host makes of `%2F`."""
    deployment = Deployment(name="owner/a/model", base_url="http://secret.example/v1")
    with use(replace(service, settings=replace(service.settings, deployments={deployment.name: deployment}))):
        headers = (await make_key(service, await make_project(service))).headers
        shown = await anonymous.get(f"{prefix}/models/{spelled}", headers=headers)
        absent = await anonymous.get(f"{prefix}/models/{spelled}x", headers=headers)
        keyless = await anonymous.get(f"{prefix}/models/{spelled}")
    assert (shown.status_code, shown.json()["id"]) == (200, "owner/a/model")
    assert absent.status_code == 404
    assert absent.json()["error"]["message"].startswith("The model `owner/a/modelx` does not exist")
    assert keyless.status_code == 401


async def test_a_key_sees_what_it_may_use(anonymous: httpx.AsyncClient, service: Services) -> None:
    """What it may not is answered as what is not there."""
    denied = ModelPermissions(mode=ModelMode.DENY_LIST, model_ids=("small",))
    headers = (await make_key(service, await make_project(service, model_permissions=denied))).headers
    listed = await anonymous.get("/v1/models", headers=headers)
    refused = [await anonymous.get(f"/v1/models/{name}", headers=headers) for name in ("small", "other")]
    assert [each["id"] for each in listed.json()["data"]] == ["gpt"]
    assert (await anonymous.get("/v1/models/gpt", headers=headers)).json() == listed.json()["data"][0]
    assert [(each.status_code, each.json()["error"]["code"]) for each in refused] == [(404, "model_not_found")] * 2
    assert refused[0].text.replace("small", "other") == refused[1].text


async def test_a_model_of_several_upstreams_shows_each(
    anonymous: httpx.AsyncClient, service: Services, clock: Clock
) -> None:
    """Its limits and how it fares; no address, and no word of what an upstream said."""
    common = {"name": "gpt", "base_url": "http://secret.example/v1"}
    targets = (Target(**common, target="east", weight=2), Target(**common, target="west", role=Role.SPILL_OVER))
    until = clock.now + timedelta(minutes=5)
    told = (TargetBeat(target="east"), TargetBeat(target="west", paused_until=until, sick=True, reason="secret"))
    beat = Heartbeat(batch_id="b", lane=0, deployment="gpt", at=clock.now, targets=told)
    await service.stores.heartbeats.beat(beat)
    deployments = {"gpt": replace_struct(DEPLOYMENTS["gpt"], targets=targets)}
    with use(replace(service, settings=replace(service.settings, deployments=deployments))):
        headers = (await make_key(service, await make_project(service))).headers
        answer = await anonymous.get("/v1/models/gpt", headers=headers)
    limits = {"max_concurrency": 64, "requests_per_minute": None, "tokens_per_minute": None}
    assert answer.json()["targets"] == [
        {"name": "east", "role": "primary", "weight": 2, "limits": limits, "health": {"status": "ok", "until": None}},
        {
            "name": "west",
            "role": "spill_over",
            "weight": 1,
            "limits": limits,
            "health": {"status": "paused", "until": int(until.timestamp())},
        },
    ]
    assert "secret" not in answer.text


async def test_a_keys_own_models_narrow_the_list(anonymous: httpx.AsyncClient, service: Services) -> None:
    """An administrator sees all."""
    key = await make_key(service, await make_project(service), models=("small",))
    told = [await anonymous.get("/v1/models", headers=each.headers) for each in (key, await make_key(service))]
    assert [[each["id"] for each in one.json()["data"]] for one in told] == [["small"], ["gpt", "small"]]


async def test_azure_classic_shows_no_keys_of_ours(api: httpx.AsyncClient, service: Services) -> None:
    """Its strict clients fail at them; Azure v1 spells endpoints its own way."""
    assert service
    classic = await api.get("/openai/models/gpt", params={"api-version": "2024-10-21"})
    newer = await api.get("/openai/v1/models/small")
    assert classic.json().keys() == {"id", "object", "created", "owned_by"}
    assert newer.json()["endpoints"] == ["/embeddings"]


async def test_a_pause_shows_without_its_words(api: httpx.AsyncClient, service: Services, clock: Clock) -> None:
    """They may quote an answer to another project."""
    until = clock() + timedelta(minutes=5)
    beat = Heartbeat(deployment="gpt", batch_id="b", lane=0, at=clock(), paused_until=until, reason="its words")
    await service.stores.heartbeats.beat(beat)
    answer = await api.get("/v1/models/gpt")
    assert answer.json()["health"] == {"status": "paused", "until": int(until.timestamp())}
    assert "its words" not in answer.text


async def test_a_key_is_told_what_it_opens(anonymous: httpx.AsyncClient, service: Services, clock: Clock) -> None:
    """With its limits: the window's other days count, what is left is never less than nothing."""
    month = SpendLimit(currency="EUR", interval=Interval.MONTH, threshold_amount=1_000)
    day = SpendLimit(currency="EUR", interval=Interval.DAY, threshold_amount=100)
    project = await make_project(service, spend_limit=month)
    key = await make_key(service, project, scopes=("batches:read",), models=("gpt",), spend_limit=day)
    today, spending = clock().date(), service.stores.spending
    for account in (project_account("EUR", project.id), key_account("EUR", key.record.id)):
        await spending.put(account, today - timedelta(days=1), "one", Amount(10**12, 2))
        await spending.put(account, today, "two", Amount(3 * 10**12, 0))
    told = (await anonymous.get("/v1/caller", headers=key.headers)).json()
    assert (told["name"], told["api_key_id"]) == ("nightly job", f"key_{key.record.id}")
    assert told["project"] == {"id": f"proj_{project.id}", "name": "Translations"}
    assert (told["scopes"], told["models"]) == (["api.batches.read"], ["gpt"])
    assert told["priorities"] == ["low", "normal", "high"]
    assert told["spend_limits"] == [
        {"of": "project", "model": None, "currency": "EUR", "interval": "month"}
        | {"limit": 10.0, "used": 4.0, "left": 6.0, "renews_at": 1769904000},
        {"of": "api_key", "model": None, "currency": "EUR", "interval": "day"}
        | {"limit": 1.0, "used": 3.0, "left": 0.0, "renews_at": 1767398400},
    ]


async def test_a_key_is_told_how_urgent_its_batches_may_be(anonymous: httpx.AsyncClient, service: Services) -> None:
    """No more than it allows."""
    key = await make_key(service, await make_project(service), max_priority=Priority.NORMAL)

    assert (await anonymous.get("/v1/caller", headers=key.headers)).json()["priorities"] == ["low", "normal"]


async def test_whoever_has_no_project_is_told_so(anonymous: httpx.AsyncClient, service: Services) -> None:
    """The bootstrap key is here for the default project; a key that may do nothing is refused."""
    admin, nobody = await make_key(service), await make_key(service, await make_project(service), scopes=("gone",))
    told = (await anonymous.get("/v1/caller", headers=admin.headers)).json()
    assert (told["project"], told["priorities"], told["scopes"]) == (None, [], ["admin", "usage"])
    bootstrap = (await anonymous.get("/v1/caller", headers={"api-key": KEY})).json()
    assert (bootstrap["project"]["id"], bootstrap["api_key_id"]) == ("proj_default", None)
    assert {"admin", "usage", "api.batches.write"} <= set(bootstrap["scopes"])
    assert (await anonymous.get("/v1/caller", headers=nobody.headers)).status_code == 403
