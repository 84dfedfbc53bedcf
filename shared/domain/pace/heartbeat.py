"""Heartbeats: one row per lane under its deployment. From them every lane computes its fair share and learns the rest.

A running lane beats every few seconds; one that pauses leaves a last beat that says until when and why. A batch that
waits for room in the quota is told of by a beat of its lane 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from shared.domain.pace.adaptive_rate import Slowing
from shared.domain.pace.fair_share import Claim
from shared.domain.pace.rate_headers import ObservedLimits

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
STALE_BEATS = 4  # Missed beats after which a lane counts as stale.


class LaneTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Times of lanes that no operator has to turn.

    `turn_seconds`: how long batches have their turn where a limit is too small for all of them. `gone_seconds`: after a
    lane fell silent, until others take what it left; between two slices it is silent for a moment, too.
    `run_seconds`: between two questions of a lane for what has become of its run.
    """

    turn_seconds: float = 15.0
    gone_seconds: float = 15.0
    run_seconds: float = 8.0


class TargetBeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a lane knows of one `target` of several; fields are as those of `Heartbeat`."""

    target: str
    observed: ObservedLimits = ObservedLimits()
    paused_until: datetime | None = None
    reason: str | None = None
    asked: bool = False
    sick: bool = False
    slowing: Slowing | None = None
    chance: float = 0.0


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lane `lane` of batch `batch_id` was alive `at`.

    `holder` names the activity that works on the lane; empty: none does. `observed` is what the upstream's headers
    said of its limits. `paused_until` is set while the lane leaves the upstream alone; `asked` tells that the upstream
    asked for it, which then holds for every lane; `queued` that the lane waits for its turn; `sick` that it has found
    the upstream sick and still waits for an answer. `reason` says, in a sentence, why the lane pauses or is slow.
    `slowing` is what it finds of going slower, if refusals have made it, and `chance` the share that is refused anyway.
    `claim` is what its batch may ask for beside others. `targets` has what differs between the targets of a deployment
    with several; the fields above then hold for all of them together.
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
    sick: bool = False
    holder: str = ""
    claim: Claim = Claim()
    targets: tuple[TargetBeat, ...] = ()
    slowing: Slowing | None = None
    chance: float = 0.0

    def is_live(self, now: datetime, stale_after_seconds: float) -> bool:
        """Whether the lane is sending requests now, as far as its last beat tells."""
        fresh = (now - self.at).total_seconds() <= stale_after_seconds
        return fresh and (self.paused_until is None or self.paused_until <= now)

    def is_stale(self, now: datetime, stale_after_seconds: float) -> bool:
        """Whether the claim on the lane has run out. One far in the future is from before the clock was set."""
        return abs((now - self.at).total_seconds()) > stale_after_seconds

    def is_there(self, now: datetime, stale_after_seconds: float) -> bool:
        """Whether the lane beats, or has said until when it pauses."""
        last = max(self.at, self.paused_until) if self.paused_until else self.at
        return (now - last).total_seconds() <= stale_after_seconds

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


def claims(heartbeats: Sequence[Heartbeat]) -> dict[str, Claim]:
    """By batch, as the lane made it that looked last; where none says when it looked, as its newest beat has it."""
    return {beat.batch_id: beat.claim for beat in sorted(heartbeats, key=lambda beat: (looked_at(beat.claim), beat.at))}


def looked_at(claim: Claim) -> datetime:
    """Lanes of older versions do not say when."""
    return claim.at or _NEVER


Said = Heartbeat | TargetBeat


def of_target(heartbeats: Sequence[Heartbeat], target: str) -> list[TargetBeat]:
    """What the lanes know of the one called `target`, the newest first."""
    return [said for beat in newest_first(heartbeats) for said in beat.targets if said.target == target]


def newest_first(heartbeats: Sequence[Heartbeat]) -> list[Heartbeat]:
    return sorted(heartbeats, key=lambda beat: beat.at, reverse=True)


def asked_pause(heartbeats: Sequence[Said], now: datetime) -> Said | None:
    """The longest pause that the upstream has asked for and that is not over."""
    asked = [beat for beat in heartbeats if beat.asked and beat.paused_until is not None and beat.paused_until > now]
    return max(asked, key=lambda beat: beat.paused_until or now, default=None)


def observed_limits(said: Sequence[Said]) -> ObservedLimits:
    """The newest word of the upstream on each of its limits; the newest come first."""
    return ObservedLimits(
        requests_per_minute=next((limit for each in said if (limit := each.observed.requests_per_minute)), None),
        tokens_per_minute=next((limit for each in said if (limit := each.observed.tokens_per_minute)), None),
    )


class Siblings:
    """The other lanes of a batch, of which some may have gone and left work behind: their chunks are for who is there.

    A lane is gone when for `gone_seconds` it has neither beaten nor said until when it pauses. One that has ended well
    is gone, too, and has left nothing. Only a lane whose own looks came regularly may judge: after a silence of the
    store everyone seems to be gone. `look` at every look of the watch; times are monotonic seconds.
    """

    def __init__(self, lane: int, lanes: int, stale_seconds: float, gone_seconds: float) -> None:
        self._others = frozenset(range(lanes)) - {lane}
        self._stale_seconds = stale_seconds
        self._gone_seconds = gone_seconds
        self._gone_since: dict[int, float] = {}
        self._judged: set[int] = set()
        self._looked_at = float("-inf")

    def look(self, beats: Sequence[Heartbeat], wall: datetime, now: float) -> frozenset[int]:
        """Lanes that have just turned out to be gone; `beats` are those of the batch."""
        if now - self._looked_at > self._stale_seconds:
            self._gone_since.clear()
        self._looked_at = now
        there = self.there(beats, wall)
        self._judged -= there
        self._gone_since = {lane: self._gone_since.get(lane, now) for lane in self._others - there}
        found = {lane for lane, since in self._gone_since.items() if now - since >= self._gone_seconds} - self._judged
        self._judged |= found
        return frozenset(found)

    def there(self, beats: Sequence[Heartbeat], wall: datetime) -> set[int]:
        """Lanes that beat or pause; `beats` are those of the batch."""
        return {beat.lane for beat in beats if beat.is_there(wall, self._stale_seconds)}
