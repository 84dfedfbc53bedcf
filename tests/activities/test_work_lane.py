"""work_lane of a batch whose deployment was removed while it ran."""

from __future__ import annotations

from datetime import timedelta

from activities.work_lane import NAP_SECONDS, work_lane
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.hold_up import hold_up
from shared.domain.deployments.deployment import Deployment
from shared.domain.vendors.vendor import Vendor
from shared.services import Services, use
from tests.activities.conftest import Clock, with_settings
from tests.contracts.samples import START, a_batch

HOUR = timedelta(hours=1)


async def put(service: Services, **changes: object) -> dict[str, object]:
    """A batch in progress that expires in an hour; its deployment is none of the settings'."""
    fields = {"status": Status.IN_PROGRESS, "deployment": "removed", "total": 3, "chunks": 1}
    batch: Batch = a_batch(1, **fields | {"expires_at": START + HOUR} | changes)
    await service.stores.batches.insert(batch)
    return {"owner": batch.owner, "batch_id": batch.id, "lane": 0, "lanes": 1}


async def held_up(service: Services, deployment: str) -> str:
    """Why, as a caller is told."""
    beats = await service.stores.heartbeats.list(deployment)
    found = hold_up(beats, service.now(), service.settings.stale_seconds)
    return found.reason if found else ""


async def test_a_removed_deployment_holds_its_batches_up(service: Services) -> None:
    """The lane does not fail: it naps, and the batch says what its operator has to do."""
    progress = await work_lane(await put(service))

    assert progress == {"done": False, "wait": NAP_SECONDS, "waited": 0.0}
    assert "'removed' is gone" in await held_up(service, "removed")


async def test_an_endpoint_that_is_not_served_any_more_holds_its_batches_up(service: Services) -> None:
    """The deployment is there, but another one than the batch was let in for."""
    progress = await work_lane(await put(service, deployment="free", endpoint="/v1/gone"))

    assert progress["wait"] == NAP_SECONDS
    assert "'free' does not serve /v1/gone any more" in await held_up(service, "free")


async def test_a_deployment_that_is_back_is_worked_for(service: Services) -> None:
    """By itself, at the next call: the plan is read, and here there is none."""
    lane = await put(service)
    await work_lane(lane)
    back = {"removed": Deployment(name="removed", base_url="http://upstream")}
    with use(with_settings(service, deployments=back)):
        assert (await work_lane(lane))["done"] is True


async def test_a_batch_without_deployment_can_be_cancelled(service: Services) -> None:
    """Its lanes are done at once."""
    lane = await put(service, status=Status.CANCELLING)

    assert (await work_lane(lane))["done"] is True


async def test_the_deadline_ends_a_batch_without_deployment(service: Services, clock: Clock) -> None:
    """From the deadline on there is nothing left to run: the lane is done, and the batch can expire."""
    lane = await put(service)
    clock.at = START + HOUR

    assert (await work_lane(lane))["done"] is True


async def test_a_batch_that_never_expires_waits_for_its_deployment(service: Services, clock: Clock) -> None:
    """A batch of Azure's dialects has no deadline."""
    lane = await put(service, vendor=Vendor.AZURE)
    clock.at = START + 2 * HOUR

    assert (await work_lane(lane))["done"] is False
