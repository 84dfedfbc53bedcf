"""Heartbeats: one row per lane under its deployment. From them every lane computes its fair share and learns the rest.

A running lane beats every few seconds; one that pauses leaves a last beat that says until when and why. A batch that
waits for room in the quota is told of by a beat of its lane 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.domain.pace.rate_headers import ObservedLimits

STALE_BEATS = 4  # Missed beats after which a lane counts as gone.


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lane `lane` of batch `batch_id` was alive `at`.

    `holder` names the activity that works on the lane; empty: none does. `observed` is what the upstream's headers
    said of its limits. `paused_until` is set while the lane leaves the upstream alone; `asked` tells that the upstream
    asked for it, which then holds for every lane; `queued` that the lane waits for its turn. `reason` says, in a
    sentence, why the lane pauses or is slow.
    """

    deployment: str
    batch_id: str
    lane: int
    at: datetime
    observed: ObservedLimits = ObservedLimits()
    paused_until: datetime | None = None
    reason: str | None = None
    asked: bool = False
    queued: bool = False
    holder: str = ""

    def is_live(self, now: datetime, stale_after_seconds: float) -> bool:
        """Whether the lane is sending requests now, as far as its last beat tells."""
        fresh = (now - self.at).total_seconds() <= stale_after_seconds
        return fresh and (self.paused_until is None or self.paused_until <= now)

    def is_due(self, now: datetime, stale_after_seconds: float) -> bool:
        """Whether the lane waits for its turn, or has been called and will be live in a moment."""
        if not self.queued or self.paused_until is None:
            return False
        return (now - self.paused_until).total_seconds() <= stale_after_seconds

    def rest_of_pause(self, now: datetime, deadline: datetime | None, *, sick: bool) -> float:
        """Seconds for which a lane's last word still leaves the upstream alone: it asked for that, or is `sick`.

        A batch that has to end waits no longer than to its `deadline`.
        """
        if self.paused_until is None or self.queued or not (self.asked or sick):
            return 0.0
        if self.at > now:  # The clock has been set back: the pause is from another time.
            return 0.0
        ends = [end for end in (self.paused_until, deadline) if end is not None]
        return max(0.0, (min(ends) - now).total_seconds())


def competing(heartbeats: Sequence[Heartbeat], now: datetime, stale_after_seconds: float) -> dict[str, set[int]]:
    """The lanes, by batch, that share the deployment: those at work and those that wait for their turn."""
    lanes: dict[str, set[int]] = {}
    for beat in heartbeats:
        if beat.is_live(now, stale_after_seconds) or beat.is_due(now, stale_after_seconds):
            lanes.setdefault(beat.batch_id, set()).add(beat.lane)
    return lanes


def asked_pause(heartbeats: Sequence[Heartbeat], now: datetime) -> Heartbeat | None:
    """The longest pause that the upstream has asked for and that is not over."""
    asked = [beat for beat in heartbeats if beat.asked and beat.paused_until is not None and beat.paused_until > now]
    return max(asked, key=lambda beat: beat.paused_until or now, default=None)


def observed_limits(heartbeats: Sequence[Heartbeat]) -> ObservedLimits:
    """The newest word of the upstream on each of its limits."""
    newest_first = sorted(heartbeats, key=lambda beat: beat.at, reverse=True)
    return ObservedLimits(
        requests_per_minute=next((seen for beat in newest_first if (seen := beat.observed.requests_per_minute)), None),
        tokens_per_minute=next((seen for beat in newest_first if (seen := beat.observed.tokens_per_minute)), None),
    )
