"""Why a batch waits or is slow, as far as can be seen from outside its run: for whoever shows the batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.hold_up import HoldUp, hold_up, paused, run_hold_up, storage_full
from shared.domain.batches.restarts import progress_of
from shared.domain.pace.heartbeat import Heartbeat
from shared.run.health.storage_probe import is_full
from shared.services import Services

_NEXT_TRY = timedelta(minutes=1)  # The longest pause before an activity is called again.


async def heartbeats(service: Services, batch: Batch) -> list[Heartbeat]:
    """Of its lanes, while it is in progress."""
    if batch.status is not Status.IN_PROGRESS or batch.deployment is None:
        return []
    return await service.stores.heartbeats.list(batch.deployment, batch.id)


async def held_up(
    service: Services, batch: Batch, rows: Sequence[ChunkRow], beats: Sequence[Heartbeat]
) -> HoldUp | None:
    """What its lanes say; if none is at work or waits, what can be seen of the storage and of its runs."""
    now, stale_seconds = service.now(), service.settings.stale_seconds
    if batch.is_terminal:
        return None
    if batch.is_paused:
        return HoldUp(until=None, reason=paused())
    if found := hold_up(beats, now, stale_seconds):
        return found
    if any(beat.is_live(now, stale_seconds) for beat in beats):
        return None
    if batch.status is Status.IN_PROGRESS and await is_full(service):
        return HoldUp(until=now + _NEXT_TRY, reason=storage_full())  # Then no lane can say so itself.
    return run_hold_up(batch.restarts, progress_of(batch.status, rows))
