"""`GET batches/{id}/deliveries`: who was told of the end of a batch."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import pytest

from activities.send_webhook import send_webhook
from shared.domain.batches.batch import Batch, Refused, Status
from shared.domain.batches.callback import Callback
from shared.domain.webhooks.delivery import Answered, NoAnswer
from shared.run.batches.change import change, noted
from shared.services import Services
from tests.contracts.samples import a_batch, a_webhook_endpoint
from tests.fake_receivers import FakeReceivers

URL = "https://mine.example/hook"


async def end(services: Services, **changes: Any) -> Batch:
    """A batch that was refused, of a project with one endpoint and with an address of its own."""
    await services.stores.webhook_endpoints.insert(
        msgspec.structs.replace(a_webhook_endpoint(1), owner="default", name="results")
    )
    values = {"owner": "default", "callback": Callback(url=URL)} | changes
    batch = a_batch(1, **values)
    await services.stores.batches.insert(batch)
    return await change(services, batch, Refused(errors=()))


async def told(api: httpx.AsyncClient, batch: Batch) -> list[dict[str, Any]]:
    answer = await api.get(f"/v1/batches/batch_{batch.id}/deliveries")
    assert (answer.status_code, answer.json()["object"]) == (200, "list")
    return list(answer.json()["data"])


async def test_each_address_says_how_it_went(
    api: httpx.AsyncClient, services: Services, receivers: FakeReceivers
) -> None:
    """One is owed, then has failed, then is delivered; the batch's own has no id; no secret is shown."""
    batch = await end(services)
    of_project, own = sorted(await told(api, batch), key=lambda each: each["webhook_endpoint_id"] or "~")
    assert (own["webhook_endpoint_id"], own["url"], own["status"], own["failures"]) == (None, URL, "pending", 0)
    assert (of_project["name"], of_project["event_type"]) == ("results", "batch.failed")
    assert "whsec" not in json.dumps([of_project, own])

    (note,) = [each.value for each in await noted(services, batch) if each.value.message_id == own["id"]]
    seen = []
    for answer in (Answered(500), NoAnswer("Nobody listens."), Answered(204)):
        receivers.answers.append(answer)
        await send_webhook({"delivery_id": note.id})
        (now,) = [each for each in await told(api, batch) if each["id"] == own["id"]]
        seen.append((now["status"], now["failures"], now["last_failure"]))
    assert seen == [
        ("pending", 1, "The receiver answered HTTP 500."),
        ("pending", 2, "Nobody listens."),
        ("delivered", 2, "Nobody listens."),
    ]


async def test_what_is_not_told_any_more_was_given_up(api: httpx.AsyncClient, services: Services) -> None:
    """Such as what was owed too long ago."""
    batch = await end(services, callback=None)
    (note,) = await noted(services, batch)
    closed = msgspec.structs.replace(note.value, ended=True, delivered=False)
    version = await services.stores.deliveries.replace(closed, note.version)
    assert [each["status"] for each in await told(api, batch)] == ["given_up"]
    older = msgspec.structs.replace(closed, delivered=None)
    await services.stores.deliveries.replace(older, version)
    assert [each["status"] for each in await told(api, batch)] == [None]


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.FINALIZING])
async def test_before_its_end_nobody_is_told(api: httpx.AsyncClient, services: Services, status: Status) -> None:
    """An empty list."""
    batch = a_batch(1, owner="default", status=status, callback=Callback(url=URL))
    await services.stores.batches.insert(batch)
    assert await told(api, batch) == []
