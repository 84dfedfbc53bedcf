"""Metrics of all unfinished batches together (how many, how old, how many tokens) and, at times, a log line of each.

Rule of this file: it reads chunk rows only for the quarter-hourly lines; what else it tells follows from the records.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from shared.domain.batches.batch import TERMINAL, Batch, Status
from shared.domain.batches.live_counts import with_progress
from shared.domain.batches.quota import QuotaMode, batches_ahead, enqueued_tokens, has_to_wait
from shared.services import Services
from shared.telemetry import metrics
from shared.telemetry.attributes import MODEL, STATUS

log = logging.getLogger(__name__)

LINES_EVERY_MINUTES = 15
LINES_WITHIN_SECONDS = 30  # Two looks of the timer, should one be missed.
PAUSED = "paused"  # Said of a batch in progress whose caller wishes that.
QUEUED = "queued"  # Said of a batch in progress that waits for its turn (quota mode wait).


async def survey(service: Services, unfinished: Sequence[Batch]) -> None:
    """Record the metrics of `unfinished`, which is every batch that has not ended; log each one when it is time."""
    now = service.now()
    _tell_of_all(service, unfinished, now)
    if now.minute % LINES_EVERY_MINUTES == 0 and now.second < LINES_WITHIN_SECONDS:
        for batch in unfinished:
            await _tell_of_one(service, batch, unfinished, now)


def _tell_of_all(service: Services, unfinished: Sequence[Batch], now: datetime) -> None:
    statuses = Counter(batch.status for batch in unfinished)
    for status in Status:
        if status not in TERMINAL:
            metrics.UNFINISHED.record(statuses[status], {STATUS: status.value})
    oldest = min((batch.created_at for batch in unfinished), default=now)
    metrics.OLDEST_AGE.record((now - oldest).total_seconds(), {})
    for name, deployment in service.settings.deployments.items():
        metrics.ENQUEUED_TOKENS.record(enqueued_tokens(unfinished, name), {MODEL: name})
        if deployment.enqueued_token_limit is not None:
            metrics.ENQUEUED_LIMIT.record(deployment.enqueued_token_limit, {MODEL: name})


async def _tell_of_one(service: Services, batch: Batch, unfinished: Sequence[Batch], now: datetime) -> None:
    rows = await service.stores.chunks.list(batch.id)
    seen = with_progress(batch, rows)
    waits = not rows and _waits(service, batch, unfinished)
    deadline = batch.deadline()
    running = now - batch.in_progress_at if batch.in_progress_at else None
    log.info(
        "A batch has not ended yet.",
        extra={
            "action": "batch_surveyed",
            "batch_id": batch.id,
            "status": _status(batch, waits=waits),
            "model": batch.deployment or "",
            "total": batch.total,
            "finished": seen.completed + seen.failed,
            "age_seconds": round((now - batch.created_at).total_seconds()),
            "running_seconds": round(running.total_seconds()) if running else 0,
            "remaining_seconds": round((deadline - now).total_seconds()) if deadline else "",
        },
    )


def _status(batch: Batch, *, waits: bool) -> str:
    if batch.is_paused and batch.status is Status.IN_PROGRESS:
        return PAUSED
    return QUEUED if waits else batch.status.value


def _waits(service: Services, batch: Batch, unfinished: Sequence[Batch]) -> bool:
    deployment = service.settings.deployments.get(batch.deployment or "")
    limit = deployment.enqueued_token_limit if deployment else None
    if service.settings.quota_mode is not QuotaMode.WAIT or limit is None or batch.status is not Status.IN_PROGRESS:
        return False
    return has_to_wait(batch, batches_ahead(batch, unfinished), limit)
