"""The end of a run tells whoever asked, at once; what it cannot start is left to the timer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activities.finish_batch import finish_batch
from activities.send_webhook import DONE, send_webhook
from orchestrators import names
from shared.domain.batches.batch import Batch, BatchError, Refused
from shared.domain.ids import derived_id
from shared.domain.webhooks.event import EventType
from shared.run.batches.change import announce, change
from shared.run.webhooks.deliveries import LEASE
from shared.services import Services
from tests.contracts.samples import a_batch, a_webhook_endpoint
from tests.fake_orchestrations import FakeOrchestrations
from tests.fake_receivers import FakeReceivers
from timers.start_deliveries import start_deliveries

REFUSED = Refused(errors=(BatchError(code="empty_file", message="The file is empty."),))


@pytest.fixture
async def batch(service: Services) -> Batch:
    """It was refused; two endpoints asked for that and one did not."""
    asked = (EventType.BATCH_FAILED,)
    for number, types in ((1, asked), (2, asked), (3, (EventType.BATCH_EXPIRED,))):
        await service.stores.webhook_endpoints.insert(a_webhook_endpoint(number, event_types=types))
    batch = a_batch(1)
    await service.stores.batches.insert(batch)
    return await change(service, batch, REFUSED)


async def finish(batch: Batch, client: Any) -> None:
    assert await finish_batch({"owner": batch.owner, "batch_id": batch.id}, client) == {
        "done": True,
        "status": "failed",
    }


def deliveries(batch: Batch) -> list[str]:
    ids = [a_webhook_endpoint(number).id for number in (1, 2)]
    return sorted(derived_id(batch.created_at, batch.id, EventType.BATCH_FAILED, endpoint) for endpoint in ids)


def started(client: FakeOrchestrations) -> list[Any]:
    return sorted(given["delivery_id"] for _, _, given in client.started)


async def due(service: Services, within: timedelta) -> list[str]:
    return sorted([stored.value.id async for stored in service.stores.deliveries.due(service.now() + within)])


async def test_the_end_starts_its_deliveries(service: Services, batch: Batch) -> None:
    """Under the ids that the timer would use, and they are not due again before their lease is over."""
    client = FakeOrchestrations()
    await finish(batch, client)

    first, second = deliveries(batch)
    assert sorted(client.started) == [
        (names.DELIVER_WEBHOOK, f"wh_{first}", {"delivery_id": first}),
        (names.DELIVER_WEBHOOK, f"wh_{second}", {"delivery_id": second}),
    ]
    assert await due(service, LEASE - timedelta(seconds=1)) == []
    assert await due(service, LEASE) == [first, second]


async def test_a_repeated_end_starts_what_does_not_live(service: Services, batch: Batch) -> None:
    """Neither what lives nor what was delivered."""
    client = FakeOrchestrations()
    await finish(batch, client)
    await finish(batch, client)
    first, second = deliveries(batch)
    assert await send_webhook({"delivery_id": first}) == DONE
    client.statuses.clear()
    client.started.clear()
    await finish(batch, client)

    assert started(client) == [second]


async def test_an_end_whose_starts_fail_is_an_end(
    service: Services, batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not raise; the others are started, and the timer starts the rest within its next looks."""
    first, second = deliveries(batch)
    client = FakeOrchestrations(refused={f"wh_{first}"})
    await finish(batch, client)
    waiting = await due(service, timedelta(seconds=15))

    assert (started(client), waiting) == ([second], [first])
    assert [record.action for record in caplog.records if record.levelname == "ERROR"] == ["start_delivery"]


@pytest.mark.parametrize("moment", ["before the start", "after the start"])
async def test_an_end_that_is_killed_leaves_the_rest_to_the_timer(
    service: Services, batch: Batch, clock: Any, receivers: FakeReceivers, moment: str
) -> None:
    """Each delivery is begun once in all, by whom ever."""

    class Killed(BaseException): ...

    class Dying(FakeOrchestrations):
        async def start_new(self, name: str, instance_id: str | None = None, client_input: Any | None = None) -> str:
            if moment == "after the start":
                await super().start_new(name, instance_id, client_input)
            raise Killed

    dying = Dying()
    with pytest.raises(BaseExceptionGroup) as killed:
        await finish(batch, dying)
    clock.at += timedelta(seconds=15)
    after = FakeOrchestrations(dying.statuses)
    await start_deliveries(service, after)

    assert killed.group_contains(Killed)
    assert sorted(started(dying) + started(after)) == deliveries(batch)
    assert (await due(service, timedelta()), receivers.requests) == ([], [])


async def test_a_delivery_that_came_too_early_is_started_by_the_end(service: Services) -> None:
    """Noted, killed before the record was final, started by the timer: it ends, and the end of the batch starts it."""
    await service.stores.webhook_endpoints.insert(a_webhook_endpoint(1))
    batch = a_batch(1)
    await service.stores.batches.insert(batch)
    ended = await change(service, a_batch(1), REFUSED)
    stored = await service.stores.batches.get(batch.owner, batch.id)
    await service.stores.batches.replace(batch, stored.version)  # As if it had been killed before it wrote this record.
    await announce(service, ended)
    client = FakeOrchestrations()
    (delivery,) = await due(service, timedelta(seconds=15))
    too_early = await send_webhook({"delivery_id": delivery})
    await change(service, batch, REFUSED)
    await finish(batch, client)

    assert (too_early, started(client)) == (DONE, [delivery])
