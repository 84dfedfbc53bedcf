"""Webhook endpoints over REST, as the newest SDK sees them (contract 8.4)."""

from __future__ import annotations

import asyncio
import base64
import json
from enum import StrEnum
from typing import Any

import httpx
import msgspec
import openai
import pytest

from shared.domain.webhooks.delivery import Answered, NoAnswer
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.services import Services
from tests.api.harness import Clock
from tests.fake_receivers import FakeReceivers

PATH = "/v1/webhook_endpoints"
BODY = {"name": "mine", "url": "https://example.com/hook", "event_types": ["batch.completed"]}


async def create(api: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    response = await api.post(PATH, json=BODY | changes)
    assert response.status_code == 200, response.text
    return response.json()


async def test_create(api: httpx.AsyncClient, clock: Clock) -> None:
    """Every field of the object, and the secret: 32 bytes in base64."""
    made = await create(api)

    secret = made.pop("signing_secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert made == {
        **BODY,
        "id": made["id"],
        "object": "webhook_endpoint",
        "created_at": int(clock.now.timestamp()),
        "updated_at": int(clock.now.timestamp()),
        "signing_secret_hint": f"whsec_…{secret[-5:-1]}",
    }


async def test_the_secret_is_shown_once(api: httpx.AsyncClient) -> None:
    """Neither retrieve, list, update nor test shows it again."""
    made = await create(api)
    path = f"{PATH}/{made['id']}"
    answers = [
        await api.get(path),
        await api.get(PATH),
        await api.post(path, json={"name": "other"}),
        await api.post(f"{path}/test", json={"event_type": "batch.failed"}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert not [answer.text for answer in answers if made["signing_secret"] in answer.text]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"name": None}, "name", "missing_required_parameter"),
        ({"name": 1}, "name", "invalid_type"),
        ({"name": " "}, "name", "invalid_value"),
        ({"name": "x" * 257}, "name", "string_above_max_length"),
        ({"url": None}, "url", "missing_required_parameter"),
        ({"url": ["https://example.com"]}, "url", "invalid_type"),
        ({"url": "http://example.com"}, "url", "invalid_value"),
        ({"url": "https://10.0.0.1/"}, "url", "invalid_value"),
        ({"url": "https://example.com/".ljust(2049, "x")}, "url", "string_above_max_length"),
        ({"event_types": None}, "event_types", "missing_required_parameter"),
        ({"event_types": []}, "event_types", "invalid_value"),
        ({"event_types": "batch.failed"}, "event_types", "invalid_type"),
        ({"event_types": [1]}, "event_types[0]", "invalid_type"),
        ({"event_types": ["batch.failed", "video.failed"]}, "event_types[1]", "invalid_value"),
    ],
)
async def test_mistakes_create_nothing(api: httpx.AsyncClient, changes: dict[str, Any], param: str, code: str) -> None:
    """400 in OpenAI's words, naming the parameter."""
    response = await api.post(PATH, json=BODY | changes)

    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, param, code)
    assert (await api.get(PATH)).json()["data"] == []


async def test_unknown_event_types_are_answered_with_the_known_ones(api: httpx.AsyncClient) -> None:
    """The set is closed: what this service never sends cannot be asked for."""
    error = (await api.post(PATH, json=BODY | {"event_types": ["response.completed"]})).json()["error"]

    assert error["message"] == (
        "Invalid value: 'response.completed'. Supported values are: 'batch.cancelled', 'batch.completed', "
        "'batch.expired', 'batch.failed', and 'spend_alert.reached'."
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
async def test_hostile_bodies(api: httpx.AsyncClient, body: bytes) -> None:
    """400, never 500."""
    assert (await api.post(PATH, content=body)).status_code == 400


async def test_a_body_has_a_maximum_size(api: httpx.AsyncClient) -> None:
    """The service reads no more of it."""
    response = await api.post(PATH, json=BODY | {"name": "x" * 300_000})

    assert response.status_code == 400
    assert "larger than" in response.json()["error"]["message"]


async def test_event_types_are_kept_once_each(api: httpx.AsyncClient) -> None:
    """In the order given."""
    made = await create(api, event_types=["batch.failed", "batch.completed", "batch.failed"])

    assert made["event_types"] == ["batch.failed", "batch.completed"]


async def test_endpoints_are_limited(api: httpx.AsyncClient, services: Services) -> None:
    """As many as the setting says; after a deletion there is room again."""
    made = [await create(api) for _ in range(services.settings.max_webhook_endpoints)]
    refused = await api.post(PATH, json=BODY)
    await api.delete(f"{PATH}/{made[0]['id']}")

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "too_many_webhook_endpoints")
    await create(api)


async def stored(api: httpx.AsyncClient) -> int:
    return len((await api.get(PATH, params={"limit": 100})).json()["data"])


async def test_the_limit_holds_under_parallel_creates(api: httpx.AsyncClient, services: Services) -> None:
    """Of sixty calls at once just as many succeed as there is room."""
    answers = await asyncio.gather(*(api.post(PATH, json=BODY) for _ in range(60)))

    limit = services.settings.max_webhook_endpoints
    assert ([answer.status_code for answer in answers].count(200), await stored(api)) == (limit, limit)


async def test_the_limit_holds_beside_another_process(
    api: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that another process inserts between the look and the insert takes the last place."""
    limit, insert = services.settings.max_webhook_endpoints, services.stores.webhook_endpoints.insert
    for _ in range(limit - 1):
        await create(api)

    async def overtaken(endpoint: WebhookEndpoint) -> None:
        await insert(msgspec.structs.replace(endpoint, id="f" * 32))
        await insert(endpoint)

    monkeypatch.setattr(services.stores.webhook_endpoints, "insert", overtaken)
    refused = await api.post(PATH, json=BODY)

    assert (refused.json()["error"]["code"], await stored(api)) == ("too_many_webhook_endpoints", limit)


async def test_list_pages(api: httpx.AsyncClient) -> None:
    """Newest first, by cursor, with the ids of the page's ends."""
    ids = [(await create(api, name=str(number)))["id"] for number in range(5)]
    ids.sort(reverse=True)
    first = (await api.get(PATH, params={"limit": 3})).json()
    second = (await api.get(PATH, params={"limit": 3, "after": first["last_id"]})).json()
    end = (await api.get(PATH, params={"after": second["last_id"]})).json()

    assert [one["id"] for one in first["data"] + second["data"]] == ids
    assert (first["object"], first["first_id"], first["has_more"], second["has_more"]) == ("list", ids[0], True, False)
    assert end == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


async def test_update_changes_what_it_names(api: httpx.AsyncClient, clock: Clock) -> None:
    """And `updated_at`; the rest stays."""
    made = await create(api)
    clock.advance(seconds=60)
    changed = (await api.post(f"{PATH}/{made['id']}", json={"url": "https://example.org/", "name": None})).json()

    del made["signing_secret"]
    assert changed == made | {"url": "https://example.org/", "updated_at": made["updated_at"] + 60}
    assert (await api.get(f"{PATH}/{made['id']}")).json() == changed


async def test_an_update_that_changes_nothing_is_none(api: httpx.AsyncClient, clock: Clock) -> None:
    """`updated_at` stays (the SDK's words)."""
    made = await create(api)
    clock.advance(seconds=60)
    path = f"{PATH}/{made['id']}"
    answers = [await api.post(path, json=body) for body in ({}, {"name": made["name"]})]

    assert [answer.json()["updated_at"] for answer in answers] == [made["updated_at"]] * 2


async def test_a_wrong_update_changes_nothing(api: httpx.AsyncClient) -> None:
    """The same rules as for creation."""
    made = await create(api)
    response = await api.post(f"{PATH}/{made['id']}", json={"name": "new", "url": "https://127.0.0.1/"})

    assert response.status_code == 400
    assert (await api.get(f"{PATH}/{made['id']}")).json()["name"] == made["name"]


async def test_updates_at_once_all_happen(api: httpx.AsyncClient) -> None:
    """Of two fields changed by two calls neither is lost."""
    path = f"{PATH}/{(await create(api))['id']}"
    await asyncio.gather(api.post(path, json={"name": "new"}), api.post(path, json={"url": "https://example.org/"}))
    found = (await api.get(path)).json()

    assert (found["name"], found["url"]) == ("new", "https://example.org/")


async def test_delete(api: httpx.AsyncClient) -> None:
    """Once; then it is unknown."""
    made = await create(api)
    path = f"{PATH}/{made['id']}"

    assert (await api.delete(path)).json() == {"id": made["id"], "object": "webhook_endpoint.deleted", "deleted": True}
    assert (await api.delete(path)).status_code == 404


@pytest.mark.parametrize("keep", [{}, {"keep_old_secret_active_for_24_hours": False}, None])
async def test_rotation_makes_a_new_secret(
    api: httpx.AsyncClient, receivers: FakeReceivers, clock: Clock, keep: dict[str, bool] | None
) -> None:
    """Shown once more; the old one is void at once unless it is asked for, also with an empty body."""
    made = await create(api)
    clock.advance(seconds=60)
    rotated = (await api.post(f"{PATH}/{made['id']}/rotate_secret", json=keep)).json()
    await api.post(f"{PATH}/{made['id']}/test", json={"event_type": "batch.failed"})

    assert rotated["signing_secret"] != made["signing_secret"]
    assert rotated["updated_at"] == made["updated_at"] + 60
    assert len(receivers.requests[0].headers["webhook-signature"].split(" ")) == 1


@pytest.mark.parametrize(("hours", "signatures"), [(23.9, 2), (24, 1)])
async def test_the_old_secret_signs_for_a_day_on_request(
    api: httpx.AsyncClient, receivers: FakeReceivers, clock: Clock, hours: float, signatures: int
) -> None:
    """Beside the new one."""
    path = f"{PATH}/{(await create(api))['id']}"
    await api.post(f"{path}/rotate_secret", json={"keep_old_secret_active_for_24_hours": True})
    clock.advance(hours=hours)
    await api.post(f"{path}/test", json={"event_type": "batch.failed"})

    assert len(receivers.requests[0].headers["webhook-signature"].split(" ")) == signatures


async def test_a_wrong_rotation_changes_nothing(api: httpx.AsyncClient) -> None:
    """The flag is a boolean."""
    made = await create(api)
    body = {"keep_old_secret_active_for_24_hours": "yes"}
    response = await api.post(f"{PATH}/{made['id']}/rotate_secret", json=body)

    assert response.json()["error"]["code"] == "invalid_type"
    assert (await api.get(f"{PATH}/{made['id']}")).json()["signing_secret_hint"] == made["signing_secret_hint"]


async def test_a_test_sends_a_signed_sample(api: httpx.AsyncClient, receivers: FakeReceivers, clock: Clock) -> None:
    """Of any event type; the answer's status is shown, whatever it is."""
    clock.now = clock.now.now(clock.now.tzinfo)
    made = await create(api)
    receivers.answers = [Answered(503)]
    result = (await api.post(f"{PATH}/{made['id']}/test", json={"event_type": "batch.expired"})).json()

    (request,) = receivers.requests
    with openai.OpenAI(api_key="x") as client:
        event = client.webhooks.unwrap(request.body, request.headers, secret=made["signing_secret"])
    assert event.type == "batch.expired"
    assert json.loads(request.body).keys() == {"id", "object", "created_at", "type", "data"}
    assert result == {
        "object": "webhook_endpoint.test",
        "event_type": "batch.expired",
        "status_code": 503,
        "success": True,
        "webhook_endpoint_id": made["id"],
    }


async def test_a_test_that_nobody_answers(api: httpx.AsyncClient, receivers: FakeReceivers) -> None:
    """400, which SDKs do not repeat, with the reason."""
    made = await create(api)
    receivers.answers = [NoAnswer("The connection was refused.")]
    response = await api.post(f"{PATH}/{made['id']}/test", json={"event_type": "batch.failed"})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "webhook_test_failed")
    assert "The connection was refused." in response.json()["error"]["message"]


class EarlierEventType(StrEnum):
    """What a version before spend alerts knows."""

    BATCH_COMPLETED = "batch.completed"
    BATCH_FAILED = "batch.failed"


class EarlierEndpoint(msgspec.Struct):
    """What it reads of an endpoint's record."""

    event_types: tuple[EarlierEventType, ...]


async def test_spend_alerts_beside_batches(api: httpx.AsyncClient, services: Services) -> None:
    """Asked for, shown, tested and given up; an instance of an earlier version reads the endpoint meanwhile."""
    made = await create(api, event_types=["spend_alert.reached", "batch.failed"])
    assert made["event_types"] == ["batch.failed", "spend_alert.reached"]
    (stored,) = await services.stores.webhook_endpoints.list("default", limit=1)
    earlier = msgspec.json.decode(msgspec.json.encode(stored), type=EarlierEndpoint)
    assert earlier.event_types == (EarlierEventType.BATCH_FAILED,)
    tested = await api.post(f"{PATH}/{made['id']}/test", json={"event_type": "spend_alert.reached"})
    assert tested.json()["event_type"] == "spend_alert.reached"
    changed = await api.post(f"{PATH}/{made['id']}", json={"event_types": ["batch.completed"]})
    assert changed.json()["event_types"] == ["batch.completed"]
    changed = await api.post(f"{PATH}/{made['id']}", json={"event_types": ["spend_alert.reached"]})
    assert changed.json()["event_types"] == ["spend_alert.reached"]


async def test_event_types(api: httpx.AsyncClient) -> None:
    """The closed set."""
    assert (await api.get("/v1/webhook_event_types")).json() == {
        "object": "list",
        "data": ["batch.cancelled", "batch.completed", "batch.expired", "batch.failed", "spend_alert.reached"],
    }


@pytest.mark.parametrize("endpoint_id", ["we_" + "0" * 32, "nonsense", "x" * 500])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"name": "n"}),
        ("DELETE", "", None),
        ("POST", "/rotate_secret", None),
        ("POST", "/test", {"event_type": "batch.failed"}),
    ],
)
async def test_unknown_endpoints(
    api: httpx.AsyncClient, endpoint_id: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    """404, and the id is echoed shortened."""
    response = await api.request(method, f"{PATH}/{endpoint_id}{path}", json=body)

    assert response.status_code == 404
    assert response.json()["error"]["message"].startswith(f"No webhook endpoint found with id '{endpoint_id[:100]}")
    assert len(response.json()["error"]["message"]) < 200


async def test_other_dialects_show_the_same(api: httpx.AsyncClient) -> None:
    """An extension there: the same objects under the same ids."""
    made = await create(api)
    answers = [
        await api.get(f"/openai/v1/webhook_endpoints/{made['id']}"),
        await api.get(f"/openai/webhook_endpoints/{made['id']}", params={"api-version": "2024-10-21"}),
    ]

    assert [answer.json()["id"] for answer in answers] == [made["id"]] * 2
