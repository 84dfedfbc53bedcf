"""What is of no use once a batch has ended: its plan, its journals, its copy of an input, heartbeats of dead lanes.

The end of a batch removes them. What a crash leaves there, or a call of an activity that outlived its batch, is swept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from shared.domain.batch import Batch
from shared.domain.chunk import (
    INPUTS_PREFIX,
    JOURNALS_PREFIX,
    PLANS_PREFIX,
    inputs_prefix,
    journals_prefix,
    plans_prefix,
)
from shared.domain.heartbeat import Heartbeat
from shared.domain.ids import created_at
from shared.run.run_beat import RUNS
from shared.services import Services


async def remove_remains(service: Services, batch: Batch) -> None:
    """Call it when the record is final. May be repeated."""
    await _remove_blobs(service, batch.id)
    if batch.deployment:
        for beat in await service.batches.heartbeats(batch.deployment):
            if beat.batch_id == batch.id:
                await service.batches.stop_beating(beat)


async def sweep_remains(service: Services, before: datetime) -> int:
    """Remove what is left of batches that were created before and have ended; returns of how many.

    Cost grows with what is there, and with the unfinished batches.
    """
    batches = {batch_id async for batch_id in _named_by_blobs(service)}
    beats = [beat async for beat in _heartbeats(service)]
    unfinished = {batch.id async for batch in service.batches.unfinished()}
    ended = {
        batch_id
        for batch_id in batches | {beat.batch_id for beat in beats}
        if batch_id not in unfinished and created_at(batch_id) < before
    }
    for batch_id in batches & ended:
        await _remove_blobs(service, batch_id)
    for beat in beats:
        if beat.batch_id in ended:
            await service.batches.stop_beating(beat)
    return len(ended)


async def _remove_blobs(service: Services, batch_id: str) -> None:
    await service.blobs.delete_prefix(journals_prefix(batch_id))
    await service.blobs.delete_prefix(plans_prefix(batch_id))
    await service.blobs.delete_prefix(inputs_prefix(batch_id))


async def _named_by_blobs(service: Services) -> AsyncIterator[str]:
    for prefix in (PLANS_PREFIX, JOURNALS_PREFIX, INPUTS_PREFIX):
        async for name in service.blobs.names(prefix):
            yield name.split("/")[1]


async def _heartbeats(service: Services) -> AsyncIterator[Heartbeat]:
    for deployment in (*service.settings.deployments, RUNS):
        for beat in await service.batches.heartbeats(deployment):
            yield beat
