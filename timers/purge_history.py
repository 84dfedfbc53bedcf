"""Removes the history of runs that ended long ago: the batch record is the product's truth and stays."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
from azure.durable_functions.models.OrchestrationRuntimeStatus import OrchestrationRuntimeStatus

from shared.services import Services

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
ENDED = [
    OrchestrationRuntimeStatus.Completed,
    OrchestrationRuntimeStatus.Failed,
    OrchestrationRuntimeStatus.Terminated,
]


async def purge_history(service: Services, client: df.DurableOrchestrationClient) -> None:
    """Purge instances created more than `KEPT` ago that have ended."""
    until = service.now() - KEPT
    result = await client.purge_instance_history_by(datetime.fromtimestamp(0, UTC), until, ENDED)
    if result.instances_deleted:
        log.info("Old run history was removed.", extra={"action": "history_purged", "count": result.instances_deleted})
