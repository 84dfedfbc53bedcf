"""Repairs what a crash between two stores leaves behind: an unfinished batch without a run gets one.

A run is lost when the process died between inserting the record and starting the orchestration, when the
orchestration failed for good, or when its history was removed. Starting it again is safe at any moment. As it looks at
every unfinished batch, it has them surveyed, too.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from orchestrators import names
from shared.domain.batch import Batch
from shared.run.change import load
from shared.run.do_all import do_all
from shared.run.orchestrations import Orchestrations, State, state_of
from shared.run.start_run import run_input
from shared.run.survey import survey
from shared.services import Services

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)  # A batch this young that has no run may be between its insert and its start.


async def reconcile_batches(service: Services, client: Orchestrations) -> None:
    """Start the lost runs."""
    unfinished = [batch async for batch in service.batches.unfinished()]
    starts = [partial(_start_if_lost, service, client, batch) for batch in unfinished]
    await do_all([*starts, partial(survey, service, unfinished)])


async def _start_if_lost(service: Services, client: Orchestrations, batch: Batch) -> None:
    state = await state_of(client, batch.id)
    if state is State.ALIVE or (state is State.UNKNOWN and service.now() - batch.created_at < GRACE):
        return
    newest = await load(service, batch.owner, batch.id)
    if newest is None or newest.is_terminal:  # It has ended since it was listed, and its run with it.
        return
    await client.start_new(names.RUN_BATCH, batch.id, run_input(batch))
    log.warning("A lost run was started again.", extra={"action": "run_restarted", "batch_id": batch.id})
