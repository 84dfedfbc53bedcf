"""Letting a validated batch in, or not yet, or failing it: tokens enqueued at its deployment, and money, are limited.

The one race accepted here: two batches that pass validation within a round trip to the store (and the difference
between two machines' clocks) may both be let in; the limit is then exceeded by one of them until either ends. Lowering
the limit turns no batch away that has begun.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.batches.batch import Batch, BatchError, Refused, Status
from shared.domain.batches.hold_up import no_room
from shared.domain.batches.quota import (
    EnqueuedLimit,
    QuotaMode,
    batches_ahead,
    enqueued_before,
    has_to_wait,
    token_limit_exceeded,
)
from shared.domain.errors import WrongState
from shared.domain.pace.heartbeat import Heartbeat
from shared.run.batches.change import change, load
from shared.run.projects import find_project
from shared.run.usage.spending import reserve
from shared.services import Services, services

SHOWN: Final = timedelta(seconds=60)  # The run asks again every half minute.


async def reserve_quota(input: dict) -> dict[str, Any]:
    """Input: `{"owner", "batch_id"}`. Returns `{"outcome": "admitted" | "refused" | "wait"}`: ask again later.

    A batch that is being cancelled or past its deadline is admitted: its lanes open nothing. Raises Unavailable.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch and batch.status is Status.IN_PROGRESS:
        if await _must_wait(service, batch):
            return {"outcome": "wait"}
        batch = await _judge(service, batch)
        if batch and batch.status is Status.IN_PROGRESS:
            batch = await _pay(service, batch)
    if batch is None or batch.status is Status.FAILED:
        return {"outcome": "refused"}
    return {"outcome": "admitted"}


async def _must_wait(service: Services, batch: Batch) -> bool:
    """Whether the batch fits the deployment, but not beside those ahead of it."""
    limits = await _limits(service, batch)
    if service.settings.quota_mode is not QuotaMode.WAIT or not limits:
        return False
    deadline = batch.deadline()
    if (deadline is not None and service.now() >= deadline) or await service.stores.chunks.list(batch.id):
        return False
    unfinished = [other async for other in service.stores.batches.unfinished()]
    for limit in limits:
        ahead = batches_ahead(batch, limit.of(unfinished))
        if has_to_wait(batch, ahead, limit.tokens):
            tokens = sum(other.input_tokens for other in ahead)
            reason = no_room(batch.deployment or "", batch.input_tokens, tokens, len(ahead), limit.tokens)
            await service.stores.heartbeats.beat(_waiting(service.now(), batch, reason))
            return True
    return False


def _waiting(now: datetime, batch: Batch, reason: str) -> Heartbeat:
    """What tells of the wait; a lane that begins, or the end of the batch, takes its place."""
    until = now + SHOWN
    return Heartbeat(
        deployment=batch.deployment or "", batch_id=batch.id, lane=0, at=now, paused_until=until, reason=reason
    )


async def _limits(service: Services, batch: Batch) -> list[EnqueuedLimit]:
    """Of the deployment for everybody, and for the batch's project."""
    deployment = service.settings.deployments.get(batch.deployment or "")
    project = await find_project(service, batch.owner)
    for_all = deployment.enqueued_token_limit if deployment else None
    for_project = project.enqueued_tokens.get(batch.deployment or "") if project else None
    limits = [(for_all, None), (for_project, batch.owner)]
    return [EnqueuedLimit(tokens=tokens, owner=owner) for tokens, owner in limits if tokens is not None]


async def _judge(service: Services, batch: Batch) -> Batch | None:
    limits = await _limits(service, batch)
    if not limits or await service.stores.chunks.list(batch.id):
        return batch
    waits = service.settings.quota_mode is QuotaMode.WAIT  # What waits does not count; what waited is let in.
    others = [] if waits else [other async for other in service.stores.batches.unfinished()]
    for limit in limits:
        enqueued = enqueued_before(batch, limit.of(others), limit.tokens)
        if enqueued + batch.input_tokens > limit.tokens:
            return await _refuse(service, batch, token_limit_exceeded(batch, limit.tokens, enqueued))
    return batch


async def _pay(service: Services, batch: Batch) -> Batch | None:
    """Reserve what it is expected to cost. What has begun goes on."""
    if await service.stores.chunks.list(batch.id):
        return batch
    refusal = await reserve(service, batch)
    return batch if refusal is None else await _refuse(service, batch, refusal)


async def _refuse(service: Services, batch: Batch, reason: BatchError) -> Batch | None:
    with suppress(WrongState):  # Cancelled in the meantime.
        return await change(service, batch, Refused(errors=(reason,)))
    return await load(service, batch.owner, batch.id)
