"""What is of no use once a batch has ended: its plan, its journals, its copy of an input, heartbeats of dead lanes.

The end of a batch removes them. What a crash leaves there, or a call of an activity that outlived its batch, is swept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import (
    INPUTS_PREFIX,
    JOURNALS_PREFIX,
    PLANS_PREFIX,
    inputs_prefix,
    journals_prefix,
    plans_prefix,
)
from shared.domain.ids import is_made_before
from shared.domain.pace.heartbeat import Heartbeat
from shared.run.batches.run_beat import RUNS
from shared.run.batches.unnamed import remove_unnamed
from shared.services import Services


async def remove_remains(service: Services, batch: Batch) -> None:
    """Call it when the record is final. May be repeated."""
    await _remove_blobs(service, batch.id)
    if batch.deployment:
        for beat in await service.stores.heartbeats.list(batch.deployment):
            if beat.batch_id == batch.id:
                await service.stores.heartbeats.stop(beat)


async def sweep_remains(service: Services, before: datetime) -> int:
    """Remove what is left of ended batches created before `before`; returns of how many there were blobs to remove.

    Heartbeats go at once, blobs when no unfinished batch has needed them for a month (`unnamed`). Cost grows with what
    is there, and with the unfinished batches.
    """
    batches = await _old_batches(service, before)
    beats = [beat async for beat in _heartbeats(service)]
    unfinished = {batch.id async for batch in service.stores.batches.unfinished()}
    for beat in beats:
        if beat.batch_id not in unfinished and is_made_before(beat.batch_id, before):
            await service.stores.heartbeats.stop(beat)
    return await remove_unnamed(service, "batches", batches - unfinished, partial(_remove_blobs, service))


async def count_remains(service: Services, before: datetime) -> int:
    """How many batches created before `before` still have blobs, ended or not."""
    return len(await _old_batches(service, before))


async def _old_batches(service: Services, before: datetime) -> set[str]:
    return {batch_id async for batch_id in _named_by_blobs(service) if is_made_before(batch_id, before)}


async def _remove_blobs(service: Services, batch_id: str) -> None:
    await service.stores.blobs.delete_prefix(journals_prefix(batch_id))
    await service.stores.blobs.delete_prefix(plans_prefix(batch_id))
    await service.stores.blobs.delete_prefix(inputs_prefix(batch_id))


async def _named_by_blobs(service: Services) -> AsyncIterator[str]:
    for prefix in (PLANS_PREFIX, JOURNALS_PREFIX, INPUTS_PREFIX):
        async for name in service.stores.blobs.names(prefix):
            yield name.split("/")[1]


async def _heartbeats(service: Services) -> AsyncIterator[Heartbeat]:
    for deployment in (*service.settings.deployments, RUNS):
        for beat in await service.stores.heartbeats.list(deployment):
            yield beat
