"""What a lane does now: whether its slice ends and why, what it says as it leaves.

The watch (`run/lane/watch.py`) gathers what there is to see, decides by these rules and obeys. Rule of this file: no
clock and no memory; everything that counts is given, in a `Sight` or beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, Flag, auto
from typing import Final

import msgspec

from shared.domain.pace.fair_share import until_next_turn
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.lane_part import Part, Terms
from shared.domain.pace.run_state import RunState

LEAST_SECONDS: Final = 0.05  # Between two looks.


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
