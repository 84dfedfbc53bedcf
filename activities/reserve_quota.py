"""Letting a validated batch in, or failing it because its deployment has enough tokens enqueued.

The one race accepted here: two batches that pass validation within a round trip to the store (and the difference
between two machines' clocks) may both be let in; the limit is then exceeded by one of them until either ends. Lowering
the limit turns no batch away that has begun.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from shared.domain.batch import Batch, Refused, Status
from shared.domain.errors import WrongState
from shared.domain.quota import enqueued_before, token_limit_exceeded
from shared.run.change import change, load
from shared.services import Services, services


async def reserve_quota(input: dict[str, Any]) -> dict[str, Any]:
    """Input: `{"owner", "batch_id"}`. Returns `{"outcome": "admitted"}` or `{"outcome": "refused"}`.

    A batch being cancelled is admitted: its lanes see the cancel and open nothing. Raises Unavailable.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch and batch.status is Status.IN_PROGRESS:
        batch = await _judge(service, batch)
    if batch is None or batch.status is Status.FAILED:
        return {"outcome": "refused"}
    return {"outcome": "admitted"}


async def _judge(service: Services, batch: Batch) -> Batch | None:
    deployment = service.settings.deployments.get(batch.deployment or "")
    limit = deployment.enqueued_token_limit if deployment else None
    if limit is None or await service.batches.list_chunks(batch.id):
        return batch
    enqueued = enqueued_before(batch, [other async for other in service.batches.unfinished()], limit)
    if enqueued + batch.input_tokens <= limit:
        return batch
    with suppress(WrongState):  # Cancelled in the meantime.
        return await change(service, batch, Refused(errors=(token_limit_exceeded(batch, limit, enqueued),)))
    return await load(service, batch.owner, batch.id)
