"""One attempt of a delivery, and the notes that are made before a batch ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import openai
import pytest

from activities.send_webhook import DONE, EARLY_SECONDS, send_webhook
from shared.domain.batches.batch import Batch, BatchError, CancelRequested, Refused, Status
from shared.domain.ids import derived_id
from shared.domain.usage.spend_limit import Interval
from shared.domain.webhooks.delivery import OWN_START, Answered, NoAnswer, new_alert_delivery
from shared.domain.webhooks.endpoint import WebhookEndpoint, rotated
from shared.domain.webhooks.event import EventType, ReachedAlert
from shared.ports.base import Changed
from shared.ports.batches import BatchStore
from shared.run.batches.change import announce, change
from shared.services import Services, use
from tests.activities.conftest import Clock
from tests.contracts.samples import START, a_batch, a_webhook_endpoint, an_id
from tests.fake_receivers import FakeReceivers
from tests.with_stores import with_stores

REFUSED = Refused(errors=(BatchError(code="empty_file", message="The file is empty."),))


@pytest.fixture
async def endpoint(service: Services) -> WebhookEndpoint:
    made = a_webhook_endpoint(1)
    await service.stores.webhook_endpoints.insert(made)
    return made


@pytest.fixture
async def failed(service: Services, endpoint: WebhookEndpoint) -> Batch:
    """A batch that was refused, with its delivery noted and nothing sent."""
    return await fail(service, 1)


async def fail(service: Services, number: int) -> Batch:
    batch = a_batch(number)
    await service.stores.batches.insert(batch)
    return await change(service, batch, REFUSED)


def delivery_id(batch: Batch, endpoint: WebhookEndpoint, event_type: str = "batch.failed") -> str:
    return derived_id(batch.created_at, batch.id, event_type, endpoint.id)


async def attempt(batch: Batch, endpoint: WebhookEndpoint) -> dict[str, object]:
    return await send_webhook({"delivery_id": delivery_id(batch, endpoint)})


async def due(service: Services) -> list[str]:
    """Once it is no longer left to the run."""
    soon = service.now() + OWN_START
    return [stored.value.id async for stored in service.stores.deliveries.due(soon)]


async def test_a_final_record_has_its_delivery(service: Services, endpoint: WebhookEndpoint, failed: Batch) -> None:
    """Noted by the same change that made the record final; first left to the run to start, then due."""
    assert await due(service) == [delivery_id(failed, endpoint)]
    assert [stored async for stored in service.stores.deliveries.due(service.now())] == []


class Killed:
    """Batches of a process that dies when it changes one."""

    def __init__(self, inner: BatchStore) -> None:
        self.get = inner.get

    async def replace(self, *_: object) -> str:
        raise KeyboardInterrupt


async def test_the_note_is_made_before_the_record_is_final(service: Services, endpoint: WebhookEndpoint) -> None:
    """Whatever is killed in between: a final record is never without its delivery."""
    batch = a_batch(1)
    await service.stores.batches.insert(batch)

    with pytest.raises(KeyboardInterrupt):
        await change(with_stores(service, batches=Killed(service.stores.batches)), batch, REFUSED)

    assert await due(service) == [delivery_id(batch, endpoint)]


async def test_other_changes_note_nothing(service: Services, endpoint: WebhookEndpoint) -> None:
    """There are no events of states that pass."""
    batch = a_batch(1)
    await service.stores.batches.insert(batch)
    await change(service, batch, CancelRequested())

    assert await due(service) == []


async def test_only_the_owners_endpoints_that_asked_are_told(service: Services) -> None:
    """One delivery for each of them."""
    asked, other = a_webhook_endpoint(1), a_webhook_endpoint(2, event_types=(EventType.BATCH_EXPIRED,))
    for one in (asked, other, a_webhook_endpoint(3, owner="project-b")):
        await service.stores.webhook_endpoints.insert(one)
    batch = await fail(service, 1)

    assert await due(service) == [delivery_id(batch, asked)]


async def test_a_delivery_is_signed_and_ends(
    service: Services, endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers
) -> None:
    """The SDK unwraps what was sent; after a 2xx nothing is sent any more."""
    first, second = await attempt(failed, endpoint), await attempt(failed, endpoint)

    (request,) = receivers.requests
    assert (first, second) == (DONE, DONE)
    assert request.url == endpoint.url
    assert request.headers["webhook-id"] == f"wh_{delivery_id(failed, endpoint)}"
    assert json.loads(request.body)["data"] == {"id": f"batch_{failed.id}"}
    assert json.loads(request.body)["created_at"] == int(failed.failed_at.timestamp())


async def test_both_secrets_sign_during_a_rotation(
    service: Services, endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers, clock: Clock
) -> None:
    """Receivers that know the old secret only are still served."""
    stored = await service.stores.webhook_endpoints.get(endpoint.owner, endpoint.id)
    await service.stores.webhook_endpoints.replace(
        rotated(endpoint, a_webhook_endpoint(9).secret, clock(), keep_old=True), stored.version
    )
    await attempt(failed, endpoint)

    assert len(receivers.requests[0].headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("answer", [Answered(500), Answered(301), Answered(410), NoAnswer("down")])
async def test_a_failed_attempt_is_repeated_later(
    endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers, clock: Clock, answer: Answered | NoAnswer
) -> None:
    """Soon, however late the first attempt was, then in doubling pauses; the same event under the same id."""
    receivers.answers = [answer] * 3
    clock.at += timedelta(minutes=8)
    repeated = [await attempt(failed, endpoint) for _ in range(3)]
    last = await attempt(failed, endpoint)

    assert [answered["done"] for answered in [*repeated, last]] == [False, False, False, True]
    for answered, pause in zip(repeated, (5, 10, 20), strict=True):
        assert pause <= answered["wait"] - EARLY_SECONDS <= pause * 1.2
    assert len({(one.headers["webhook-id"], one.body) for one in receivers.requests}) == 1
    assert len(receivers.requests) == 4


async def test_a_failure_is_counted_beside_the_timer(
    service: Services, endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers
) -> None:
    """The timer postpones the record while the attempt is under way: both are kept."""

    class Postponed:
        """As `service.stores.deliveries`, but someone writes the record after it was read to be changed."""

        def __getattr__(self, name: str) -> Any:
            return getattr(service.stores.deliveries, name)

        async def get(self, delivery_id: str) -> Any:
            stored = await service.stores.deliveries.get(delivery_id)
            if receivers.requests and stored.value.due_at != later:
                postponed = msgspec.structs.replace(stored.value, due_at=later)
                await service.stores.deliveries.replace(postponed, stored.version)
            return stored

    later, receivers.answers = START + timedelta(days=1), [Answered(500)]
    with use(with_stores(service, deliveries=Postponed())):
        await attempt(failed, endpoint)

    stored = await service.stores.deliveries.get(delivery_id(failed, endpoint))
    assert (stored.value.failures, stored.value.due_at) == (1, later)


async def test_after_three_days_it_is_given_up(
    service: Services, endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers, clock: Clock
) -> None:
    """The last attempt is made, then no other."""
    receivers.answers = [Answered(500)]
    clock.at += timedelta(hours=72)

    assert [await attempt(failed, endpoint) for _ in range(2)] == [DONE, DONE]
    assert len(receivers.requests) == 1


async def test_what_has_not_happened_is_not_told(
    service: Services, endpoint: WebhookEndpoint, receivers: FakeReceivers
) -> None:
    """A note whose record is not final is left alone and stays due; one whose record ended otherwise is void."""
    batch = a_batch(1)
    await service.stores.batches.insert(batch)
    await announce(service, a_batch(1, status=Status.FAILED, failed_at=START))
    waiting = await attempt(batch, endpoint)
    left = await due(service)
    stored = await service.stores.batches.get(batch.owner, batch.id)
    await service.stores.batches.replace(a_batch(1, status=Status.CANCELLED, cancelled_at=START), stored.version)

    assert (waiting, await attempt(batch, endpoint)) == (DONE, DONE)
    assert (left, await due(service)) == ([delivery_id(batch, endpoint, "batch.failed")], [])
    assert receivers.requests == []


async def test_a_deleted_endpoint_is_told_nothing(
    service: Services, endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers
) -> None:
    """Its deliveries end."""
    await service.stores.webhook_endpoints.delete(endpoint.owner, endpoint.id)

    assert await attempt(failed, endpoint) == DONE
    assert receivers.requests == []


async def test_an_end_prevails_over_a_postponement(service: Services, endpoint: WebhookEndpoint, failed: Batch) -> None:
    """The timer read the record, the attempt ended it: the timer's write is refused."""
    read = await service.stores.deliveries.get(delivery_id(failed, endpoint))
    await attempt(failed, endpoint)
    with pytest.raises(Changed):
        await service.stores.deliveries.replace(read.value, read.version)

    assert (await service.stores.deliveries.get(read.value.id)).value.ended


async def test_the_sdk_unwraps_an_attempt(
    service: Services, endpoint: WebhookEndpoint, receivers: FakeReceivers, clock: Clock
) -> None:
    """Body and headers as sent, with the endpoint's secret (contract 8.3)."""
    clock.at = clock.at.now(clock.at.tzinfo)
    batch = await fail(service, 2)
    await attempt(batch, endpoint)
    (request,) = receivers.requests
    with openai.OpenAI(api_key="x") as client:
        event = client.webhooks.unwrap(request.body, request.headers, secret=endpoint.secret)

    assert (event.type, event.data.id) == ("batch.failed", f"batch_{batch.id}")


REACHED = ReachedAlert(
    event_id=an_id(900),
    alert_id="a" * 32,
    project_id="default",
    currency="USD",
    interval=Interval.MONTH,
    threshold_amount=500,
    window=START.date().replace(day=1),
    at=START,
)


async def test_a_spend_alert_is_told_as_it_was(service: Services, receivers: FakeReceivers, clock: Clock) -> None:
    """Signed, the same bytes at each attempt, under one id; given up after three days like any other."""
    clock.at = START
    endpoint = a_webhook_endpoint(1, event_types=(), further_event_types=("spend_alert.reached",))
    await service.stores.webhook_endpoints.insert(endpoint)
    delivery = new_alert_delivery(REACHED, endpoint)
    assert new_alert_delivery(REACHED, a_webhook_endpoint(1)) is None
    await service.stores.deliveries.insert(delivery)
    receivers.answers = [Answered(500)] * 2
    outcomes = []
    for hours in (0, 1, 71):
        clock.at += timedelta(hours=hours)
        outcomes.append((await send_webhook({"delivery_id": delivery.id}))["done"])

    first, second, _ = receivers.requests
    assert (outcomes, first.body) == ([False, False, True], second.body)
    assert {one.headers["webhook-id"] for one in receivers.requests} == {delivery.message_id}
    assert json.loads(first.body) == {
        "id": f"evt_{an_id(900)}",
        "object": "event",
        "created_at": int(START.timestamp()),
        "type": "spend_alert.reached",
        "data": {
            "id": f"alert_{'a' * 32}",
            "project_id": "proj_default",
            "currency": "USD",
            "interval": "month",
            "threshold_amount": 500,
            "window": REACHED.window.isoformat(),
        },
    }


async def test_the_sdk_unwraps_a_spend_alert(service: Services, receivers: FakeReceivers, clock: Clock) -> None:
    """A type that it does not know is an event all the same."""
    clock.at = clock.at.now(clock.at.tzinfo)
    endpoint = a_webhook_endpoint(1, event_types=(), further_event_types=("spend_alert.reached",))
    await service.stores.webhook_endpoints.insert(endpoint)
    delivery = new_alert_delivery(REACHED, endpoint)
    await service.stores.deliveries.insert(delivery)
    await send_webhook({"delivery_id": delivery.id})
    (request,) = receivers.requests
    with openai.OpenAI(api_key="x") as client:
        event = client.webhooks.unwrap(request.body, request.headers, secret=endpoint.secret)

    assert (event.type, event.data.id) == ("spend_alert.reached", f"alert_{'a' * 32}")


async def test_no_key_or_url_reaches_the_log(
    endpoint: WebhookEndpoint, failed: Batch, receivers: FakeReceivers, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure is logged with ids and a reason."""
    receivers.answers = [Answered(500)]
    with caplog.at_level("DEBUG"):
        await attempt(failed, endpoint)

    (record,) = [record for record in caplog.records if record.name == "activities.send_webhook"]
    assert (record.reason, record.batch_id) == ("status 500", failed.id)
    assert not [text for text in map(str, map(vars, caplog.records)) if endpoint.secret in text or endpoint.url in text]
