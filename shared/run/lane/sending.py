"""When a lane sends, and where to: how many requests at once, how soon the next, from when on none in this slice.

One object answers, and is told of every answer. What holds for one target says its `TargetPace`; here is what holds for
the lane: where its next request goes, when no target is left to ask, and what it tells its lease and the next slice. It
never waits; the gate does. `now` is in monotonic seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from shared.domain.batches.hold_up import asked_to_wait, no_target_left, of_target
from shared.domain.deployments.deployment import Target
from shared.domain.pace.adaptive_rate import Slowing
from shared.domain.pace.budget import Budget
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat
from shared.domain.pace.lane_part import Part
from shared.domain.pace.rate_headers import ObservedLimits
from shared.domain.pace.upstream_health import Blame, Patience
from shared.domain.upstream.upstream import Failed, Retry, Succeeded
from shared.run.lane.gate import Gate
from shared.run.lane.target_choice import preferred
from shared.run.lane.target_pace import TargetPace

LOOK_SECONDS = 1.0  # Where all targets that have room make a request wait: until another may have room.


class Sending:
    """`stop` is set by whoever has a reason: no further request begins. `news` is set when limits were learned.

    Before a request: `gate`, then `choose`; then `sent` of the target, `heard` where there was an HTTP answer, and
    `answered` or `failed`.
    """

    def __init__(self, targets: Sequence[Target], part: Part, patience: Patience, budget: Budget, now: float) -> None:
        self.stop = asyncio.Event()
        self.news = asyncio.Event()
        self.targets = [
            TargetPace(target, own, patience, now, alone=len(targets) == 1)
            for target, own in zip(targets, part.of_targets, strict=True)
        ]
        self.gate = Gate(self._most, budget)
        self.reason: str | None = None  # of the pause, in a sentence
        self.asked = False  # The upstream asked for the pause.
        self.begins = True  # A further line may begin, without that another has to end.
        self.trying = 0  # Lines that have begun and wait for no other one.
        self._only = self.targets[0] if len(self.targets) == 1 else None
        self._patience = patience
        self._paused_until = 0.0
        self._finds_it_sick = False  # another lane of the batch
        self._ends_sick = False  # The lane pauses because every target is sick.

    def _most(self) -> int:
        """Requests that may be in flight. Those at a target that is left alone take nothing from the others."""
        if self._only is not None:
            return self._only.most
        return sum(target.room + target.in_flight for target in self.targets)

    @property
    def places(self) -> int:
        """How many requests may be in flight now."""
        return self._most()

    def take(self, part: Part, now: float) -> None:
        """The lane's part has been computed anew; a lane without a share keeps what it had."""
        self._finds_it_sick = part.finds_it_sick
        for target, own in zip(self.targets, part.of_targets, strict=True):
            if own.pause_seconds:
                self.rest(target, own.pause_seconds, own.pause_reason, asked=True)
            if part.share:
                target.take(own, now)
        if part.share:
            self.gate.wake()

    def choose(
        self, tokens: int, now: float, tried: Collection[TargetPace] = (), first: TargetPace | None = None
    ) -> tuple[TargetPace | None, float]:
        """The target of the next request, of so many estimated `tokens`, and 0: it counts as going there.

        Else the seconds until some target may be asked again, or None and 0: none has room. Those a line has `tried`
        come last; `first` is asked before all others if it has room.
        """
        if self._only is not None:
            return self._only, self._only.delay(tokens, now)
        if first is not None and first.room and first not in tried and first.delay(tokens, now) == 0.0:
            return first, 0.0
        found, least = None, 0.0
        for target in preferred(self.targets, tried):
            delay = target.delay(tokens, now)
            if delay == 0.0:
                return target, 0.0
            if found is None or delay < least:
                found, least = target, delay
        if found is None:
            self._pause_if_none_is_there()
        return found, min(least, LOOK_SECONDS)

    @property
    def has_several(self) -> bool:
        return self._only is None

    def moves(self, tried: Collection[TargetPace]) -> bool:
        """Whether a line that was not answered by those it has `tried` can go to another target at once."""
        return self._only is None and any(target.room for target in self.targets if target not in tried)

    def marks(self) -> tuple[int, ...]:
        """How many requests have gone to each target, for `was_well_since`."""
        return tuple([target.health.requests for target in self.targets])

    def was_well_since(self, marks: tuple[int, ...]) -> bool:
        """Whether any target has answered a request that was sent since."""
        return any(target.health.was_well_since(mark) for target, mark in zip(self.targets, marks, strict=True))

    def heard(self, target: TargetPace, headers: Mapping[str, str], now: float) -> None:
        """There was an HTTP answer, of whatever kind."""
        if target.heard(headers, now):
            self.news.set()

    def answered(self, target: TargetPace, outcome: Succeeded | Failed, nth: int, tokens: int) -> None:
        """The target answered the `nth` request itself, good or bad; `tokens` were estimated for it."""
        if target.answered(outcome, nth, tokens):
            self.gate.wake()

    def failed(self, target: TargetPace, line: int, outcome: Retry, now: float) -> bool:
        """An attempt of the line failed; whether it counts as one of the line's.

        A target that turns out to be sick is left alone from now on. Lines do not pay for it while patience lasts.
        """
        blame = target.failed(line, outcome, now)
        if blame is Blame.SICK:
            self._rested(target)
        return blame is Blame.LINE

    @property
    def may_be_answered(self) -> bool:
        """Whether another line may still be answered, of the slice or of a lane that waits for a sick upstream.

        As far as can be told at no cost. A lane that waits for the upstream itself waits for no other: no two do so for
        each other.
        """
        others = self._finds_it_sick and not self.probing
        return self.patient and bool(self.begins or self.trying or others) and not self.stop.is_set()

    @property
    def patient(self) -> bool:
        return any(target.health.patient for target in self.targets)

    @property
    def probing(self) -> bool:
        """Whether every target was sick, and none has answered yet."""
        return all(target.health.probing for target in self.targets)

    @property
    def sick(self) -> bool:
        """Whether every target is."""
        return self._ends_sick or all(target.health.sick for target in self.targets)

    @property
    def waits_for_answer(self) -> bool:
        """Whether each target is sick, or has not answered since it was."""
        return all(target.health.sick or target.health.probing for target in self.targets)

    def has_news(self, now: float) -> bool:
        """Whether the next slice should know of pauses, of targets yet to answer, or of some that refuse by chance."""
        return any(target.chance(now) for target in self.targets) or (
            self._only is None
            and any(target.pause_seconds or target.health.sick or target.health.probing for target in self.targets)
        )

    def asked_to_wait(self, target: TargetPace, reason: str, seconds: float) -> None:
        """An answer asked for so long a pause."""
        self.rest(target, seconds, asked_to_wait(reason, seconds), asked=True)

    def rest(self, target: TargetPace, seconds: float, reason: str | None, *, asked: bool = False) -> None:
        """The target is to be left alone for so long; `asked`: it asked for that. `reason` is a sentence."""
        target.rest(seconds, reason, asked=asked)
        self._rested(target)

    def _rested(self, target: TargetPace) -> None:
        """Without it the others go on; it is asked again when its pause is over."""
        if self._only is None:
            asyncio.get_running_loop().call_later(target.pause_seconds, self.gate.wake)
        self._pause_if_none_is_there()

    def _pause_if_none_is_there(self) -> None:
        """The lane pauses when there is no target left to ask, until the first may be asked again."""
        if any(target.is_there for target in self.targets):
            return
        first = min(self.targets, key=lambda target: (not target.has_share, target.pause_seconds))
        self.asked = self.asked or first.asked
        self._ends_sick = self.sick
        name, several = first.target.target, self._only is None
        self.hold(
            first.pause_seconds, no_target_left(len(self.targets), name, first.reason) if several else first.reason
        )

    def hold(self, seconds: float, reason: str | None) -> None:
        """The lane has to pause for so long."""
        self.reason = reason or self.reason
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        self.stop.set()

    def inherit(self, beat: Heartbeat, wall: datetime) -> None:
        """What the slice before said of the upstream holds until it answers; `wall` is now."""
        if self._only is not None:
            self._only.inherit(beat, time.monotonic())
        known = {said.target: said for said in beat.targets}
        for target in self.targets:
            if said := known.get(target.target.target):
                target.go_on_from(said, wall)

    def slowed(self, now: float) -> str | None:
        """Why the lane is slower than it might be, in a sentence."""
        if self._only is not None:
            return self._only.slowed(now)
        return next((of_target(each.target.target, said) for each in self.targets if (said := each.trouble(now))), None)

    def beats(self, now: float, wall: datetime) -> tuple[TargetBeat, ...]:
        """What the lane knows of each target, if there are several; `now` and `wall` are the same moment."""
        return () if self._only is not None else tuple(target.beat(now, wall) for target in self.targets)

    @property
    def slowing(self) -> Slowing | None:
        """What the lane finds of going slower at the only upstream; of several, their `beats` tell."""
        return self._only.slowing if self._only is not None else None

    def chance(self, now: float) -> float:
        """The share that the only upstream refuses whatever the rate."""
        return self._only.chance(now) if self._only is not None else 0.0

    @property
    def limits(self) -> ObservedLimits:
        """As the only upstream last named them; those of several are in their `beats`."""
        return self._only.limits if self._only is not None else ObservedLimits()

    @property
    def wait_seconds(self) -> float:
        """How long to leave all targets alone, from now."""
        return max(0.0, self._paused_until - time.monotonic())

    @property
    def waited_seconds(self) -> float:
        """What to hand to the next slice: an upstream that is well again is met with full patience."""
        if not any(target.sent_any for target in self.targets):
            return self._patience.waited_seconds
        return self._patience.waited_seconds + self.wait_seconds if self.sick else 0.0
