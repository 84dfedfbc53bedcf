"""What the caller of a batch that has not ended may still wish: that it pauses, goes on, or has other terms.

Rule of this file: a wish changes neither state nor deadline but by the completion window; wished twice, it changes
nothing. Its words on the wire are an extension of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.keys.priority import Priority, parse_priority
from shared.domain.parameters import unsupported, wrong_type

if TYPE_CHECKING:
    from shared.domain.batches.batch import Batch


class PauseWished(msgspec.Struct, frozen=True):
    """What is in flight ends, nothing new begins."""


class ResumeWished(msgspec.Struct, frozen=True):
    """It goes on."""


class TermsWished(msgspec.Struct, frozen=True, kw_only=True):
    """Another priority or completion window, from creation on; None leaves as it is."""

    priority: Priority | None = None
    completion_window: str | None = None
    window_seconds: int = 0


Wish = PauseWished | ResumeWished | TermsWished


def parse_terms(fields: Mapping[str, Any], windows: Mapping[str, int], most: Priority) -> TermsWished:
    """The body of the call. `windows`: accepted window -> seconds; `most`: what the key allows.

    Raises InvalidRequest.
    """
    priority, window = fields.get("priority"), fields.get("completion_window")
    if priority is None and window is None:
        raise InvalidRequest(
            "There is nothing to change. Send 'priority', 'completion_window', or both.",
            code="missing_required_parameter",
            param="priority",
        )
    if window is not None and not isinstance(window, str):
        raise wrong_type("completion_window", "a string", window)
    if window is not None and window not in windows:
        raise unsupported("completion_window", window, windows)
    return TermsWished(
        priority=None if priority is None else parse_priority(priority, most),
        completion_window=window,
        window_seconds=windows.get(window or "", 0),
    )


def wished(batch: Batch, wish: Wish, now: datetime) -> Batch:
    """The batch after `wish`; the same object where nothing changes. Raises InvalidRequest for a window in the past."""
    changes: dict[str, Any]
    match wish:
        case PauseWished():
            changes = {"paused_at": batch.paused_at or now}
        case ResumeWished():
            changes = {"paused_at": None, "paused_seconds": _paused_seconds(batch, now)}
        case TermsWished():
            changes = _new_terms(batch, wish, now)
    changed = msgspec.structs.replace(batch, **changes)
    return batch if changed == batch else changed


def _new_terms(batch: Batch, wish: TermsWished, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {"priority": wish.priority or batch.priority}
    if wish.completion_window is None:
        return changes
    expires_at = batch.created_at + timedelta(seconds=wish.window_seconds)
    if batch.rules.expires and expires_at <= now:
        raise InvalidRequest(
            f"The completion window '{wish.completion_window}' counts from the batch's creation and is over already: "
            "the batch would expire at once. Choose a longer one, or cancel the batch.",
            code="invalid_value",
            param="completion_window",
        )
    return changes | {"completion_window": wish.completion_window, "expires_at": expires_at}


def as_wished(batch: Batch) -> tuple[datetime | None, Priority, datetime]:
    """What of it a wish changes: a lane that finds it changed begins anew."""
    return batch.paused_at, batch.priority, batch.expires_at


def rests(batch: Batch, now: datetime) -> bool:
    """Whether it is paused, with time left until its deadline."""
    remaining = batch.remaining_seconds(now)
    return batch.is_paused and (remaining is None or remaining > 0)


def worked_seconds(batch: Batch, until: datetime) -> float:
    """Since the batch is in progress, without its pauses; 0 before."""
    if batch.in_progress_at is None:
        return 0.0
    return max(0.0, (until - batch.in_progress_at).total_seconds() - _paused_seconds(batch, until))


def _paused_seconds(batch: Batch, until: datetime) -> float:
    """While it was in progress."""
    if batch.paused_at is None or batch.in_progress_at is None:
        return batch.paused_seconds
    return batch.paused_seconds + max(0.0, (until - max(batch.paused_at, batch.in_progress_at)).total_seconds())
