"""Retries: whether a request is sent again, and when. Pure decisions; the jitter and the clock are the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite

import msgspec


class Attempts(msgspec.Struct, frozen=True):
    """Attempts that a line has used up: `errors` and `throttles` have limits of their own."""

    errors: int = 0
    throttles: int = 0

    def spent(self, *, throttled: bool) -> Attempts:
        """One more."""
        return Attempts(self.errors + (not throttled), self.throttles + throttled)


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`max_attempts` counts calls, the first included; `first_seconds` doubles with each up to `max_seconds`."""

    max_attempts: int
    first_seconds: float
    max_seconds: float


def next_delay(
    policy: RetryPolicy,
    *,
    attempt: int,
    after_seconds: float | None,
    jitter: float,
    remaining_seconds: float | None,
) -> float | None:
    """Seconds to wait after the failed call number `attempt` (from 1), or None to give up.

    Exponential with full jitter (`jitter` is in [0, 1)). What the upstream asked for (`after_seconds`) is a floor, on
    top of which the jitter goes, so that lines told the same moment do not all return at it. None when the attempts
    are used up, or when the delay would reach the deadline, `remaining_seconds` away (None: no deadline).
    """
    if attempt >= policy.max_attempts:
        return None
    backoff = min(policy.max_seconds, policy.first_seconds * 2.0 ** min(attempt - 1, 64))
    delay = (after_seconds or 0.0) + jitter * backoff
    if remaining_seconds is not None and delay >= remaining_seconds:
        return None
    return delay


_MAX_RETRY_AFTER_SECONDS = 3600.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the upstream asks to wait, cut to 0..1 hour; None if it does not say, or nothing that can be read."""
    seconds = _number(headers.get("retry-after-ms"), 0.001)
    if seconds is None:
        seconds = _number(headers.get("retry-after"), 1.0)
    if seconds is None:
        seconds = _until(headers.get("retry-after"), headers.get("date"))
    return None if seconds is None else min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)


def _number(text: str | None, unit: float) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value * unit if isfinite(value) else None


def _until(moment: str | None, sent: str | None) -> float | None:
    """Seconds from the answer's own Date to `moment`: the upstream's clock on both sides, so ours does not matter."""
    try:
        return parsedate_to_datetime(moment or "").timestamp() - parsedate_to_datetime(sent or "").timestamp()
    except (ValueError, OverflowError):
        return None
