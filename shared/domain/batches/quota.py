"""Enqueued tokens: how many input tokens of one deployment may wait or run at the same time (contract 3.3, 3.5).

Rule of this file: there is no ledger. What is enqueued follows from the unfinished batch records alone, so a batch
that ends, however it ends, gives its tokens back at once, and nothing can be lost or counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from shared.domain.batches.batch import Batch, BatchError


class QuotaMode(StrEnum):
    """What becomes of a batch that does not fit. Azure knows the first two (contract 3.4)."""

    FAIL_BATCH = "fail_batch"
    REFUSE_CREATE = "refuse_create"
    WAIT = "wait"


class EnqueuedLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How many `tokens` of a deployment may be enqueued: by everybody, or by the `owner`."""

    tokens: int
    owner: str | None = None

    def of(self, batches: Iterable[Batch]) -> list[Batch]:
        """Those that it counts."""
        return [batch for batch in batches if self.owner in (None, batch.owner)]


def enqueued_before(batch: Batch, unfinished: Iterable[Batch], limit: int) -> int:
    """Input tokens of the deployment's batches that were let in before `batch`.

    First come, first served in the order in which files passed validation. A batch that does not fit itself holds
    no tokens: it is about to be refused.
    """
    others = [other for other in unfinished if other.deployment == batch.deployment and other.id != batch.id]
    enqueued = 0
    for other in sorted(others, key=_order):
        if _order(other) < _order(batch) and enqueued + other.input_tokens <= limit:
            enqueued += other.input_tokens
    return enqueued


def batches_ahead(batch: Batch, unfinished: Iterable[Batch]) -> list[Batch]:
    """All the deployment's batches before `batch`, where batches wait in order for room."""
    return [
        other
        for other in unfinished
        if other.deployment == batch.deployment and other.id != batch.id and _order(other) < _order(batch)
    ]


def has_to_wait(batch: Batch, ahead: Iterable[Batch], limit: int) -> bool:
    """Whether it fits by itself, but not beside those before it."""
    return batch.input_tokens <= limit < batch.input_tokens + sum(other.input_tokens for other in ahead)


def enqueued_tokens(unfinished: Iterable[Batch], deployment: str) -> int:
    """Input tokens of all the deployment's batches; of those still being validated, what they are expected to have."""
    tokens = 0
    for batch in unfinished:
        if batch.deployment == deployment:
            tokens += batch.input_tokens
        elif batch.deployment is None and batch.expected and batch.expected.deployment == deployment:
            tokens += batch.expected.input_tokens
    return tokens


def _order(batch: Batch) -> tuple[float, str]:
    """`in_progress_at` is set by passing validation; a record without it has no deployment yet."""
    return (batch.in_progress_at or batch.created_at).timestamp(), batch.id


def token_limit_exceeded(batch: Batch, limit: int, enqueued: int) -> BatchError:
    """In the vendor's words."""
    message = batch.rules.quota_sentence.format(
        model=batch.deployment,
        organization=batch.owner,
        limit=limit,
        enqueued=enqueued,
        tokens=batch.input_tokens,
    )
    return BatchError(code="token_limit_exceeded", message=message)
