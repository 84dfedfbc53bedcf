"""Repairs what a crash between two stores leaves behind: an unfinished batch without a run gets one.

A run is lost when the process died between inserting the record and starting the orchestration, when the
orchestration failed for good, or when its history was removed. Starting it again is safe at any moment. As it looks at
every unfinished batch, it has them surveyed, too.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

from orchestrators import names
from shared.run.start_run import run_input
from shared.run.survey import survey
from shared.services import services
from timers.runs import is_alive

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=60)  # A batch this young may be between its insert and its start.


async def reconcile_batches(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:  # noqa: ARG001 - the trigger's binding
    """Start the lost runs."""
    service = services()
    unfinished = [batch async for batch in service.batches.unfinished()]
    for batch in unfinished:
        if service.now() - batch.created_at < GRACE or await is_alive(client, batch.id):
            continue
        await client.start_new(names.RUN_BATCH, batch.id, run_input(batch))
        log.warning("A lost run was started again.", extra={"action": "run_restarted", "batch_id": batch.id})
    await survey(service, unfinished)
