"""Files and batches as the caller's dialect shows them (contract 1.7). Pure.

Rule of this file: every key is present, with an explicit null where there is no value (contract 9.1 no. 14); where a
dialect's version documents its keys, those and no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from api.edge.dialect import Dialect, batch_id, result_id, upload_id
from api.edge.rendered_values import documented, unix_seconds
from shared.domain.batches.advice import advice
from shared.domain.batches.batch import Batch, BatchError
from shared.domain.batches.cache_use import CacheUse, cache_use
from shared.domain.batches.cost import BatchCost, batch_cost
from shared.domain.batches.failures import Failure
from shared.domain.batches.forecast import NO_PROGRESS, Progress, progress
from shared.domain.batches.hold_up import HoldUp
from shared.domain.files.blob_address import result_address
from shared.domain.keys.priority import Priority
from shared.domain.pace.target_state import TargetState
from shared.domain.usage.money import shown
from shared.domain.usage.usage import Usage


def render_batches(
    dialect: Dialect, batches: Sequence[Batch], now: datetime, *, position: str | None
) -> dict[str, Any]:
    """`position` is the canonical id to go on from, if there is more; it shows on a page without batches only."""
    data = [render_batch(dialect, batch, now) for batch in batches]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else batch_id(dialect, position) if position else None,
        "has_more": position is not None,
    }


class Sighting(NamedTuple):
    """What is seen of a single batch beside its record."""

    held_up: HoldUp | None = None
    targets: Sequence[TargetState] = ()


_NOTHING: Final = Sighting()


def render_batch(dialect: Dialect, batch: Batch, now: datetime, seen: Sighting = _NOTHING) -> dict[str, Any]:
    """`output_expires_after` is not echoed in any dialect (contract 1.7)."""
    rendered = {
        "id": batch_id(dialect, batch.id),
        "object": "batch",
        "endpoint": dialect.spell_endpoint(batch.endpoint),
        "model": batch.model,
        "errors": render_errors(batch.errors),
        "input_file_id": None if batch.input_url else upload_id(dialect, batch.input_file_id),
        "completion_window": batch.completion_window,
        "status": batch.status.value,
        "output_file_id": result_id(dialect, batch.output_file_id),
        "error_file_id": result_id(dialect, batch.error_file_id),
        **_times(batch),
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "usage": _usage(batch.usage),
        "metadata": batch.metadata,
        **_blobs(dialect, batch),
        **_extensions(dialect, batch, now, seen),
    }
    return documented(rendered, dialect.batch_keys)


def _blobs(dialect: Dialect, batch: Batch) -> dict[str, str]:
    """Contract 1.7: `""` until known; contract 2.5: filled at the end, whether or not anything was written."""
    if not (dialect.shows_blobs or batch.input_url or batch.output_folder):
        return {}
    folder = batch.output_folder if batch.is_terminal else None
    return {
        "input_blob": batch.input_url or "",
        "output_blob": result_address(folder, batch.id, "output") if folder else "",
        "error_blob": result_address(folder, batch.id, "error") if folder else "",
    }


def _extensions(dialect: Dialect, batch: Batch, now: datetime, seen: Sighting) -> dict[str, Any]:
    """Keys of ours (docs/api.md), there only when they say something."""
    found: dict[str, Any] = {"retry_of": batch_id(dialect, batch.retry_of)} if batch.retry_of else {}
    if batch.priority is not Priority.NORMAL:
        found["priority"] = batch.priority.value
    if batch.leaders_first is not True:
        found["leaders_first"] = batch.leaders_first
    if batch.callback is not None:
        found["callback_url"] = batch.callback.url
    if batch.is_paused:
        found["paused_at"] = unix_seconds(batch.paused_at)
    if cost := batch_cost(batch):
        found["cost"] = _cost(cost)
    if cache := cache_use(batch):
        found["cache"] = _cache(cache)
    if batch.failures:
        found["failures"] = [_failure(failure) for failure in batch.failures]
    running = progress(batch, now) or (NO_PROGRESS if seen.held_up else None)
    return found | {"progress": _progress(batch, running, seen)} if running else found


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "count": failure.count,
        "first_line": failure.first_line,
        "example": {"custom_id": failure.custom_id, "message": failure.message},
        "advice": advice(failure.code),
    }


def _times(batch: Batch) -> dict[str, int | None]:
    return {
        "created_at": unix_seconds(batch.created_at),
        "in_progress_at": unix_seconds(batch.in_progress_at),
        "expires_at": unix_seconds(batch.expires_at),
        "finalizing_at": unix_seconds(batch.finalizing_at),
        "completed_at": unix_seconds(batch.completed_at),
        "failed_at": unix_seconds(batch.failed_at),
        "expired_at": unix_seconds(batch.expired_at),
        "cancelling_at": unix_seconds(batch.cancelling_at),
        "cancelled_at": unix_seconds(batch.cancelled_at),
    }


def render_errors(errors: Sequence[BatchError]) -> dict[str, Any] | None:
    if not errors:
        return None
    data = [{"code": e.code, "message": e.message, "param": e.param, "line": e.line} for e in errors]
    return {"object": "list", "data": data}


def _usage(usage: Usage) -> dict[str, Any]:
    """The Responses shape, whatever the endpoint (contract 2.7)."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _cost(cost: BatchCost) -> dict[str, Any]:
    return {"currency": cost.currency, "estimated": shown(cost.estimated), "actual": shown(cost.actual)}


def _cache(cache: CacheUse) -> dict[str, Any]:
    saved = {} if cache.saved is None else {"saved": shown(cache.saved)}
    return {"share": _rounded(cache.share), "written_tokens": cache.written_tokens, **saved}


def _progress(batch: Batch, progress: Progress, seen: Sighting) -> dict[str, Any]:
    held_up = seen.held_up
    why = {"held_up": {"until": unix_seconds(held_up.until), "reason": held_up.reason}} if held_up else {}
    targets = {"targets": [_target(state) for state in seen.targets]} if seen.targets else {}
    return {
        "requests_per_second": _rounded(progress.requests_per_second),
        "tokens_per_minute": _rounded(progress.tokens_per_minute),
        "estimated_completion_at": unix_seconds(progress.estimated_completion_at),
        "reason": progress.reason,
        **({"results_at_end": True} if batch.grouped else {}),
        **why,
        **targets,
    }


def _target(state: TargetState) -> dict[str, Any]:
    return {
        "name": state.name,
        "status": state.status.value,
        "until": unix_seconds(state.until),
        "reason": state.reason,
    }


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)
