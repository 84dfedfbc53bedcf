"""What a lane does now: how much of its deployment is its, whether its slice ends and why, what it says as it leaves.

The watch (`run/lane/watch.py`) gathers what there is to see, decides by these rules and obeys. Rule of this file: no
clock and no memory; everything that counts is given, in a `Sight` or beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, Flag, auto
from typing import Final

import msgspec

from shared.domain.pace.fair_share import Claim, shares, turn_at, until_next_turn
from shared.domain.pace.heartbeat import Heartbeat, asked_pause, claims, competing, looked_at, observed_limits
from shared.domain.pace.run_state import RunState

LEAST_SECONDS: Final = 0.05  # Between two looks.


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of a deployment, for all of its lanes together; None: no limit."""

    concurrency: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


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
    """What does not change for a lane in its slice: whose decisions they are, its deployment's limits, and times."""

    own: Own
    limits: Limits
    heartbeat_seconds: float
    stale_seconds: float
    turn_seconds: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is the lane's now: `share` requests in flight, and rates per minute (None: no limit).

    Without a share it waits for its turn, or is `is_spare`: other lanes of its batch have all there is. `pause_seconds`
    is how long the upstream has asked some lane to be left alone, `pause_reason` what that lane said of it.
    `finds_it_sick`: another lane of the batch has found the upstream sick, and waits for an answer.
    """

    share: int
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    is_spare: bool = False
    pause_seconds: float = 0.0
    pause_reason: str | None = None
    finds_it_sick: bool = False


def first_part(terms: Terms) -> Part:
    """Before the first look: as if no other batch were there."""
    limits = terms.limits
    return Part(
        share=max(1, limits.concurrency // terms.own.lanes),
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
    )


def part_of(terms: Terms, beats: Sequence[Heartbeat], now: datetime, *, is_first: bool) -> Part:
    """By all heartbeats of the deployment. At the first look the other lanes of the batch are about to begin, too."""
    limits, batch_id, lane = terms.limits, terms.own.batch_id, terms.own.lane
    lanes = competing(beats, now, terms.stale_seconds)
    lanes.setdefault(batch_id, set()).update(range(terms.own.lanes) if is_first else {lane})
    asked = claims(beats)
    asked[batch_id] = max(terms.own.claim, asked.get(batch_id, terms.own.claim), key=looked_at)
    parts = shares(limits.concurrency, lanes, turn_at(now, terms.turn_seconds), asked)
    pause, seen, share = asked_pause(beats, now), observed_limits(beats), parts.of(batch_id, lane)
    requests = _lower(limits.requests_per_minute, seen.requests_per_minute) if share else None
    tokens = _lower(limits.tokens_per_minute, seen.tokens_per_minute) if share else None
    return Part(
        share=share,
        requests_per_minute=parts.rate(requests, batch_id),
        tokens_per_minute=parts.rate(tokens, batch_id),
        is_spare=not share and parts.has_turn(batch_id),
        pause_seconds=((pause.paused_until or now) - now).total_seconds() if pause else 0.0,
        pause_reason=pause.reason if pause else None,
        finds_it_sick=any(
            beat.sick and beat.batch_id == batch_id and beat.lane != lane and beat.is_there(now, terms.stale_seconds)
            for beat in beats
        ),
    )


def _lower(configured: int | None, observed: int | None) -> int | None:
    """The stricter of the two limits; None if there is none."""
    return min((limit for limit in (configured, observed) if limit is not None), default=None)


class HostState(Enum):
    """What is seen of the host that started the lane's process."""

    STAYS = auto()
    STOPS = auto()
    GONE = auto()


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a lane has seen, of each thing the newest; before the first look, what it expects.

    `looks` counts those that showed its part. `is_own`: its row has its name. `is_in_progress` and `remaining_seconds`,
    until the deadline if there is one, are the batch's; `slice_seconds` are left of the slice. `is_stopped`: a spend
    limit is reached. `is_as_wished`: nothing else has been wished of the batch since the slice began. `is_wanted`:
    another batch waits for the lane's place.
    """

    part: Part
    slice_seconds: float
    looks: int = 0
    is_own: bool = True
    is_in_progress: bool = True
    is_stopped: bool = False
    remaining_seconds: float | None = None
    is_as_wished: bool = True
    run: RunState = RunState.GO_ON
    is_wanted: bool = False
    host: HostState = HostState.STAYS


class End(Flag):
    """Why a slice ends; several reasons may hold at once, and without any it goes on."""

    BATCH = auto()  # cancelled, ended, or past its deadline
    MONEY = auto()  # a spend limit is reached: the batch begins nothing more, and finishes what it has sent
    RUN = auto()  # terminated, or another run is at work
    LOST = auto()  # the lane is in other hands, or is given away because its host is gone
    SLICE = auto()  # its time is over
    TURN = auto()  # no share: others have the whole limit
    SUSPENDED = auto()
    WISH = auto()  # its caller wishes the batch to pause, or other terms: the next slice keeps to that
    ROOM = auto()  # another batch wants its place
    HOST = auto()


class Decision(msgspec.Struct, frozen=True):
    """What the lane does: its `part`, and whether the slice ends; requests in flight are waited for even so."""

    part: Part
    ends: End

    @property
    def stops(self) -> bool:
        """No further request begins in this slice."""
        return bool(self.ends)

    @property
    def must_end(self) -> bool:
        """What is in flight is waited for only shortly."""
        return End.BATCH in self.ends

    @property
    def is_over(self) -> bool:
        """There is no next slice."""
        return bool(self.ends & (End.BATCH | End.MONEY | End.RUN))

    @property
    def is_lost(self) -> bool:
        """The lane's row is another's: it is left alone, and nothing is said in it."""
        return End.LOST in self.ends

    @property
    def asks_run(self) -> bool:
        """Whether it makes a difference what has become of the run."""
        return not self.ends & (End.BATCH | End.MONEY | End.LOST | End.SLICE | End.TURN)


def decide(sight: Sight) -> Decision:
    """Without a share a lane looks twice: others may only have been expected to begin with it."""
    remaining = sight.remaining_seconds
    rules = {
        End.BATCH: not sight.is_in_progress or (remaining is not None and remaining <= 0),
        End.MONEY: sight.is_stopped,
        End.RUN: sight.run is RunState.END,
        End.LOST: not sight.is_own or sight.host is HostState.GONE,
        End.SLICE: sight.slice_seconds <= 0,
        End.TURN: not sight.part.share and sight.looks > 1,
        End.SUSPENDED: sight.run is RunState.WAIT,
        End.WISH: not sight.is_as_wished,
        End.ROOM: sight.is_wanted,
        End.HOST: sight.host is not HostState.STAYS,
    }
    ends = End(0)
    for end, holds in rules.items():
        ends |= end if holds else End(0)
    return Decision(sight.part, ends)


def next_look(heartbeat_seconds: float, *ends: float | None) -> float:
    """Seconds: a heartbeat, or less if an end comes before; an end that has come calls for no haste."""
    to_come = [end for end in ends if end is not None and end > 0]
    return max(LEAST_SECONDS, min([heartbeat_seconds, *to_come]))


def is_own(terms: Terms, beats: Sequence[Heartbeat]) -> bool:
    """Whether the lane's row still has its name; another's name shows that it was taken for dead."""
    own = terms.own
    return any((beat.batch_id, beat.lane, beat.holder) == (own.batch_id, own.lane, own.holder) for beat in beats)


def rest_seconds(decision: Decision, terms: Terms, now: datetime) -> float:
    """How long the lane is left alone after the slice: to another activity, or until its next turn.

    A heartbeat after that begins, those whose turn is over know it.
    """
    if decision.is_lost:
        return terms.heartbeat_seconds
    return 0.0 if decision.part.share else until_next_turn(now, terms.turn_seconds) + terms.heartbeat_seconds


def until_next_slice(rest: float, pause_seconds: float, remaining_seconds: float | None) -> float:
    """Seconds: what is longer of the lane's rest and the upstream's, yet not past the batch's deadline."""
    wait = max(rest, pause_seconds)
    return wait if remaining_seconds is None else min(wait, max(0.0, remaining_seconds))


class LastWord(msgspec.Struct, frozen=True):
    """For so many `seconds` the lane will send nothing, of which `pause_seconds` are to leave the upstream alone."""

    seconds: float
    pause_seconds: float

    @property
    def queued(self) -> bool:
        """It waits for its turn alone."""
        return not self.pause_seconds


def last_word(rest: float, pause_seconds: float, *, is_done: bool) -> LastWord | None:
    """What a lane that has its row says in it as it leaves; None: nothing, the row goes.

    `rest` are its `rest_seconds`, `pause_seconds` what the upstream, its health or an operator asks for.
    """
    seconds = max(pause_seconds, rest)
    return None if seconds <= 0 or is_done else LastWord(seconds, pause_seconds)
