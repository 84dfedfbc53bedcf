"""process_chunk of a batch whose deployment was removed while it ran."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activities.process_chunk import process_chunk
from shared.domain.batch import Batch, Status, Vendor
from shared.services import Services
from tests.activities.conftest import Clock
from tests.contracts.samples import START, a_batch

HOUR = timedelta(hours=1)


async def put(service: Services, **changes: object) -> dict[str, object]:
    """A batch in progress that expires in an hour; its deployment is none of the settings'."""
    batch: Batch = a_batch(
        1, status=Status.IN_PROGRESS, deployment="removed", total=3, chunks=1, expires_at=START + HOUR, **changes
    )
    await service.batches.insert(batch)
    return {"owner": batch.owner, "batch_id": batch.id, "lane": 0, "lanes": 1}


async def test_a_removed_deployment_is_named(service: Services) -> None:
    """Until the deadline the lane fails, and the message says what is missing: it may come back."""
    lane = await put(service)

    with pytest.raises(RuntimeError, match="'removed' is gone from BATCH_DEPLOYMENTS"):
        await process_chunk(lane)


async def test_the_deadline_ends_a_batch_without_deployment(service: Services, clock: Clock) -> None:
    """From the deadline on there is nothing left to run: the lane is done, and the batch can expire."""
    lane = await put(service)
    clock.at = START + HOUR

    assert (await process_chunk(lane))["done"] is True


async def test_a_batch_that_never_expires_waits_for_its_deployment(service: Services, clock: Clock) -> None:
    """A batch of Azure's dialects has no deadline."""
    lane = await put(service, vendor=Vendor.AZURE)
    clock.at = START + 2 * HOUR

    with pytest.raises(RuntimeError, match="gone from BATCH_DEPLOYMENTS"):
        await process_chunk(lane)
