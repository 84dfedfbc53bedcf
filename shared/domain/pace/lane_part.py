"""What is a lane's now of its deployment, or of each of its targets: by the limits, and by all heartbeats there.

Rule of this file: no clock and no memory. Every lane computes its part from the same rows by the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from shared.domain.pace.adaptive_rate import Slowing
from shared.domain.pace.fair_share import Claim, Shares, shares, turn_at
from shared.domain.pace.heartbeat import (
    Heartbeat,
    Said,
    asked_pause,
    claims,
    competing,
    looked_at,
    newest_first,
    observed_limits,
    of_target,
)

_MINUTE: Final = 60.0
_EARLY: Final = 0.985  # A limit of one request a second or less forgives none that comes a moment too early.


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of a deployment, or of one `target` of several, for all lanes together; None: no limit."""

    concurrency: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    target: str = ""


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """The lane that decides: `lane` of so many `lanes` of its batch, worked on in the name of `holder`.

    `claim` is what the batch may ask for beside others.
    """

    batch_id: str
    lane: int
    lanes: int
    holder: str
    claim: Claim = Claim()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What does not change for a lane in its slice: whose decisions they are, its deployment's limits, and times.

    `targets` are the limits of each, where there are several.
    """

    own: Own
    limits: Limits
    heartbeat_seconds: float
    stale_seconds: float
    turn_seconds: float
    targets: tuple[Limits, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is the lane's now: `share` requests in flight, and rates per minute (None: no limit).

    Without a share it waits for its turn, or is `is_spare`: other lanes of its batch have all there is. `pause_seconds`
    is how long the upstream has asked some lane to be left alone, `pause_reason` what that lane said of it.
    `finds_it_sick`: another lane of the batch has found the upstream sick, and waits for an answer. `ready` is
    what there is of the next request of a lane that has less than one a second, so that lanes send one after another.
    `agrees`: no other lane that has slowed down there still tries whether that helps.
    Where there are several `targets`, `share` is the sum of theirs, and rates, pauses and `ready` are said of each.
    """

    share: int
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    is_spare: bool = False
    pause_seconds: float = 0.0
    pause_reason: str | None = None
    finds_it_sick: bool = False
    ready: float = 1.0
    agrees: bool = True
    targets: tuple[Part, ...] = ()

    @property
    def of_targets(self) -> tuple[Part, ...]:
        """For each target of the deployment."""
        return self.targets or (self,)


def first_part(terms: Terms) -> Part:
    """Before the first look: as if no other batch were there."""
    if terms.targets:
        return _together([_first_of(limits, terms.own.lanes) for limits in terms.targets])
    return _first_of(terms.limits, terms.own.lanes)


def _first_of(limits: Limits, lanes: int) -> Part:
    return Part(
        share=max(1, limits.concurrency // lanes),
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
    )


def part_of(terms: Terms, beats: Sequence[Heartbeat], now: datetime, *, is_first: bool) -> Part:
    """By all heartbeats of the deployment. At the first look the other lanes of the batch are about to begin, too.

    Each of several targets is shared out by itself; where batches take turns, each begins with another one.
    """
    batch_id, lane = terms.own.batch_id, terms.own.lane
    lanes = competing(beats, now, terms.stale_seconds)
    lanes.setdefault(batch_id, set()).update(range(terms.own.lanes) if is_first else {lane})
    asked = claims(beats)
    asked[batch_id] = max(terms.own.claim, asked.get(batch_id, terms.own.claim), key=looked_at)
    turn = turn_at(now, terms.turn_seconds)
    agree = _agree(terms, beats, now)
    parts = [
        msgspec.structs.replace(
            _part(terms.own, limits, shares(limits.concurrency, lanes, turn + number, asked), said, now),
            agrees=agree[number],
        )
        for number, (limits, said) in enumerate(_targets(terms, beats))
    ]
    part = _together(parts) if terms.targets else parts[0]
    sick = any(
        beat.sick and beat.batch_id == batch_id and beat.lane != lane and beat.is_there(now, terms.stale_seconds)
        for beat in beats
    )
    return msgspec.structs.replace(part, finds_it_sick=True) if sick else part


def _targets(terms: Terms, beats: Sequence[Heartbeat]) -> list[tuple[Limits, Sequence[Said]]]:
    """The limits of each, and what is known of it, the newest first."""
    if not terms.targets:
        return [(terms.limits, newest_first(beats))]
    return [(limits, of_target(beats, limits.target)) for limits in terms.targets]


def _agree(terms: Terms, beats: Sequence[Heartbeat], now: datetime) -> list[bool]:
    """Of each target, whether no other lane at work still tries whether going slower helps."""
    own = (terms.own.batch_id, terms.own.lane)
    others = [beat for beat in beats if (beat.batch_id, beat.lane) != own and beat.is_live(now, terms.stale_seconds)]
    return [all(each.slowing is not Slowing.TRIED for each in said) for _, said in _targets(terms, others)]


def _part(own: Own, limits: Limits, given: Shares, said: Sequence[Said], now: datetime) -> Part:
    pause, seen, share = asked_pause(said, now), observed_limits(said), given.of(own.batch_id, own.lane)
    requests = _lower(limits.requests_per_minute, seen.requests_per_minute) if share else None
    tokens = _lower(limits.tokens_per_minute, seen.tokens_per_minute) if share else None
    rate = given.rate(requests, own.batch_id)
    if rate is not None and requests is not None and requests <= _MINUTE:
        rate *= _EARLY
    return Part(
        share=share,
        requests_per_minute=rate,
        tokens_per_minute=given.rate(tokens, own.batch_id),
        is_spare=not share and given.has_turn(own.batch_id),
        pause_seconds=((pause.paused_until or now) - now).total_seconds() if pause else 0.0,
        pause_reason=pause.reason if pause else None,
        ready=_ready(rate, own, given, now) if rate else 1.0,
    )


def _ready(per_minute: float, own: Own, given: Shares, now: datetime) -> float:
    """By the clock, which is the same for all lanes: each has a moment of its own in the time between two requests.

    Together they would send as many at once as there are lanes, which is more than some upstreams take in a second.
    """
    if per_minute >= _MINUTE:
        return 1.0
    lanes = sorted(given.slots)
    return (now.timestamp() * per_minute / _MINUTE - lanes.index((own.batch_id, own.lane)) / len(lanes)) % 1.0


def _together(parts: Sequence[Part]) -> Part:
    share = sum(part.share for part in parts)
    return Part(share=share, is_spare=not share and any(part.is_spare for part in parts), targets=tuple(parts))


def _lower(configured: int | None, observed: int | None) -> int | None:
    """The stricter of the two limits; None if there is none."""
    return min((limit for limit in (configured, observed) if limit is not None), default=None)
