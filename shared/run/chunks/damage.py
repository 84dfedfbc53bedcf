"""What of a batch is gone for good: bytes of its input, or its plan. What can be made again is made again.

Rule of this file: something counts as gone only if it was found so twice, some time apart; a store that does not
answer raises, which proves nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import Plan, PlannedChunk
from shared.domain.keys.limits import Limits
from shared.domain.keys.model_access import ModelAccess
from shared.domain.validation.input_scan import Accepted, InputScan
from shared.ports.base import BlobMissing
from shared.run.chunks.grouped_copy import with_copy
from shared.run.chunks.plan import lines_blob, read_lines, read_plan, write_plan
from shared.run.input.input_pass import scan_rules
from shared.services import Services

log = logging.getLogger(__name__)


async def plan_of(service: Services, batch: Batch) -> Plan | None:
    """The plan of a batch that was accepted, made again from its input if it is gone; None if that cannot be done."""
    plan = await read_plan(service.stores.blobs, batch)
    if plan is None:
        await asyncio.sleep(service.settings.proof_seconds)
        plan = await read_plan(service.stores.blobs, batch)
    if plan is None:
        plan = await _planned_again(service, batch)
        if plan is None:
            _tell(batch, "plan")
    return plan


async def _planned_again(service: Services, batch: Batch) -> Plan | None:
    """The plan, with its copy of the input if it has one; None if that cannot be made again.

    The chunk rows hold for the old plan only: another one, by other settings, is of no use.

    The batch was let in: that its project may not use the model any more changes no plan.
    """
    rules = scan_rules(service, batch, ModelAccess(project_id=batch.owner), Limits())
    scan = InputScan(rules, await readable_bytes(service, batch.input_blob))
    verdict = None
    with suppress(BlobMissing):
        async for block in service.stores.blobs.read(batch.input_blob):
            await asyncio.to_thread(scan.feed, block)
        verdict = await asyncio.to_thread(scan.finish)
    if isinstance(verdict, Accepted):
        if batch.grouped:
            verdict = await with_copy(service.stores.blobs, batch, verdict)
        if await write_plan(service.stores.blobs, batch.id, verdict.plan) == batch.plan:
            return verdict.plan
    return None


def _tell(batch: Batch, what: str) -> None:
    extra = {"action": "batch_damaged", "batch_id": batch.id, "what": what}
    log.error("Something of a batch is gone for good; what did not run fails.", extra=extra)


async def readable_bytes(service: Services, name: str) -> int:
    """How much there is of a blob with request lines."""
    try:
        return await service.stores.blobs.size(name)
    except BlobMissing:
        return 0


async def are_lost(service: Services, batch: Batch, plan: Plan, chunks: Sequence[PlannedChunk]) -> bool:
    """Whether the planned lines of every one of the chunks are gone: missing, cut off, or replaced by others.

    A copy that is gone is made again.
    """
    source = lines_blob(batch, plan)
    if not await _found_lost(service, source, chunks):
        return False
    await asyncio.sleep(service.settings.proof_seconds)
    if plan.grouped_copy is not None:
        await _planned_again(service, batch)
    if not await _found_lost(service, source, chunks):
        return False
    _tell(batch, "input")
    return True


async def _found_lost(service: Services, source: str, chunks: Sequence[PlannedChunk]) -> bool:
    """The first one that is there ends the search, so a sound input costs one read."""
    size = await readable_bytes(service, source)
    for chunk in chunks:
        if chunk.start + chunk.length <= size:
            with suppress(BlobMissing):  # It has been removed this moment.
                lines = await read_lines(service.stores.blobs, source, chunk)
                if chunk.holds([*lines.values()]):
                    return False
    return True
