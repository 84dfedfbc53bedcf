"""What is told of a batch that came into being or changed its state: metrics and one log line.

Call it after the record is stored: only who wins the compare-and-swap tells, so each change is told once, or, after a
crash at that very moment, not at all.
"""

from __future__ import annotations

import logging
from datetime import datetime

from shared.domain.batches.batch import Batch, Status
from shared.telemetry import metrics
from shared.telemetry.attributes import ENDPOINT, MODEL, OPERATIONS, STATUS, Attributes

log = logging.getLogger(__name__)


def tell(before: Batch | None, after: Batch, now: datetime) -> None:
    """`before` is None for a new batch."""
    model: Attributes = {MODEL: after.deployment} if after.deployment else {}
    endpoint = after.endpoint if after.endpoint in OPERATIONS else "other"
    seconds = (now - after.created_at).total_seconds()
    metrics.BATCHES.record(1, {**model, STATUS: after.status.value, ENDPOINT: endpoint})
    if after.status is Status.IN_PROGRESS:
        metrics.QUEUE_WAIT.record(seconds, model)
    if after.is_terminal:
        metrics.BATCH_DURATION.record(seconds, {**model, STATUS: after.status.value})
    log.info(
        "Batch changed state.",
        extra={
            "action": "batch_changed",
            "batch_id": after.id,
            "from": before.status.value if before else "new",
            "to": after.status.value,
            "model": after.deployment or "",
            "total": after.total,
            "completed": after.completed,
            "failed": after.failed,
            "input_tokens": after.usage.input_tokens,
            "output_tokens": after.usage.output_tokens,
            "seconds": round(seconds, 3),
        },
    )
