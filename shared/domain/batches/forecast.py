"""How long a batch takes: rates of a running one, an estimate for one that has not begun.

Everything here is an estimate, said plainly as None where there is nothing to estimate from. Rates come from batch
records alone: no line and no lane is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.wishes import worked_seconds
from shared.domain.deployments.deployment import Deployment

_LONGEST = timedelta(days=3650)  # What lasts longer is shown as this: dates end with the year 9999.
_NOT_BEGUN = "No request has finished yet."
_PAUSED = "The batch is paused."
_TOO_SLOW = "At this rate the completion window closes before the last request is done."


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A running batch: averages since it began, without its pauses.

    `reason` says why there is no estimate, or that it is past the end.
    """

    requests_per_second: float | None
    tokens_per_minute: float | None
    estimated_completion_at: datetime | None
    reason: str | None


NO_PROGRESS = Progress(requests_per_second=None, tokens_per_minute=None, estimated_completion_at=None, reason=None)


def progress(batch: Batch, now: datetime) -> Progress | None:
    """None unless the batch is in progress. `batch` has live counts (`live_counts`)."""
    if batch.status is not Status.IN_PROGRESS or batch.in_progress_at is None:
        return None
    seconds = worked_seconds(batch, now)
    finished = batch.completed + batch.failed
    if not finished or seconds <= 0:
        return Progress(
            requests_per_second=None,
            tokens_per_minute=None,
            estimated_completion_at=None,
            reason=_PAUSED if batch.is_paused else _NOT_BEGUN,
        )
    tokens = batch.usage.input_tokens + batch.usage.output_tokens
    end = now + _duration((batch.total - finished) * seconds / finished)
    deadline = batch.deadline()
    return Progress(
        requests_per_second=finished / seconds,
        tokens_per_minute=tokens * 60 / seconds,
        estimated_completion_at=None if batch.is_paused else end,
        reason=_PAUSED if batch.is_paused else _TOO_SLOW if deadline and end > deadline else None,
    )


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What ended batches of a deployment say about the next one."""

    requests_per_second: float
    output_tokens_per_request: float
    images_per_request: float = 0.0


def measured(batches: Iterable[Batch], deployment: str) -> Measured | None:
    """From the largest of `batches` that ran to its end: small ones spend their time beginning and ending."""
    ran = [batch for batch in batches if batch.deployment == deployment and _seconds_run(batch) and batch.completed]
    if not ran:
        return None
    largest = max(ran, key=lambda batch: batch.total)
    return Measured(
        requests_per_second=largest.total / _seconds_run(largest),
        output_tokens_per_request=largest.usage.output_tokens / largest.completed,
        images_per_request=largest.usage.images / largest.completed,
    )


def _seconds_run(batch: Batch) -> float:
    """0 if it did not run to its end."""
    if batch.status is not Status.COMPLETED or batch.in_progress_at is None or batch.finalizing_at is None:
        return 0.0
    return worked_seconds(batch, batch.finalizing_at)


def duration(
    deployment: Deployment, requests: int, tokens: int, ahead: Sequence[Batch], found: Measured | None
) -> timedelta | None:
    """How long a batch of so many requests and input tokens would run; None without a limit and a measured rate.

    `ahead` are the deployment's unfinished batches. All share it equally, so while this batch runs, each
    of them gets as much done as this one, or ends.
    """
    all_requests = requests + sum(min(other.total, requests) for other in ahead)
    all_tokens = tokens + sum(min(other.input_tokens, tokens) for other in ahead)
    bounds = []
    if deployment.requests_per_minute:
        bounds.append(all_requests * 60 / deployment.requests_per_minute)
    if deployment.tokens_per_minute:
        bounds.append(all_tokens * 60 / deployment.tokens_per_minute)
    if found:
        bounds.append(all_requests / found.requests_per_second)
    return _duration(max(bounds)) if bounds else None


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=min(seconds, _LONGEST.total_seconds()))
