"""The sign of life of a run's own long works: validating a large file, writing the result files.

Lanes beat under their deployment; this beat stands under a name that no deployment has, so no lane counts it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from shared.domain.batches.batch import Batch
from shared.domain.pace.heartbeat import Heartbeat
from shared.services import Services

RUNS: Final = "$runs"
BEAT_SECONDS: Final = 20.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def showing_life(service: Services, batch: Batch, beat_seconds: float = BEAT_SECONDS) -> AsyncIterator[None]:
    """Beats for as long as the block takes, the first time after `beat_seconds`: short works cost nothing."""
    beating = asyncio.create_task(_beat(service, batch, beat_seconds))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(service: Services, batch: Batch, beat_seconds: float) -> None:
    while True:
        await asyncio.sleep(beat_seconds)
        try:
            beat = Heartbeat(deployment=RUNS, batch_id=batch.id, lane=0, at=service.now())
            await service.stores.heartbeats.beat(beat)
        except Exception as error:  # One beat less; several minutes without any are needed to be taken for dead.
            extra = {"action": "run_beat_failed", "batch_id": batch.id, "reason": type(error).__name__}
            log.info("A run could not show that it lives.", extra=extra)
