"""The rate an upstream turns out to bear, when nobody has said what its limit is.

Without refusals there is no cap, nor with few of them. Once a good share of requests is refused, a lane sends as many a
second as were accepted; further refusals lower that, each second without one raises it a little. Where it has become
much slower than what was accepted, a trial tells whether that helps. If not, and no other lane that has slowed down
still tries, refusals do not depend on the rate: then lanes send as much as they may, unless more is refused then, and
take that share of refusals for granted.
Measured is what was sent and refused, not what was answered: answers take seconds or minutes.
Pure: `now` is in monotonic seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.domain.pace.sends import MEMORY_SECONDS, MEMORY_SENDS, RecentSends, Tally
from shared.domain.pace.slowing_trial import SlowingTrial

_LEAST_PER_SECOND: Final = 0.05
_LEAST_SHARE: Final = 0.3  # A smaller one is no sign of a rate limit,
_LEAST_REFUSED: Final = 7  # nor are so few.
_LEAST_CUT, _MOST_CUT = 0.1, 0.5  # At once, at most one in a second.
_FEWEST: Final = 4  # As if so many more had been accepted: one refusal of one request tells little.
_GROWTH_A_SECOND, _GROWTH_A_REQUEST = 0.015, 0.015  # The smaller of the two.
_CALM_REQUESTS: Final = 20  # After more without a refusal it grows faster: twice as fast after so many,
_DOUBLE_REQUESTS: Final = 10
_MOST_GROWTH: Final = 0.25
_TRIAL_RATE: Final = 0.6  # Of what was accepted.
_TOLERANCE: Final = 0.15  # Such a part of those that are not refused by chance, and
_MORE_REFUSED: Final = 2.0  # so many are no sign of a limit.
_MEASURED_SENDS: Final = 80  # After so many, or MEMORY_SECONDS, the first rush is over.
_RUSH_SHARE: Final = 0.9  # While so much is refused, too few are accepted for a measure.
_LIFTED_SECONDS: Final = 600.0
_LIFTED_REQUESTS: Final = 120
_RISE_A_SECOND: Final = 0.4
_FREE: Final = 4.0  # A cap of so many times what goes is none.
_MORE_SHARE: Final = 0.35  # Such a part of what was accepted is refused without a cap: it was needed.


class Slowing(StrEnum):
    """What a lane that has slowed down finds: whether that helps is `TRIED`, or it is `IN_VAIN`."""

    TRIED = "tried"
    IN_VAIN = "in_vain"


class AdaptiveRate:
    """`wait` before a request, `take` when it goes; tell every one that is `refused`, and when lanes have `agreed`.

    `cap` is in requests a second; `chance` is the share that is refused whatever the rate, as far as is known.
    """

    def __init__(self) -> None:
        self.cap: float | None = None
        self.chance = 0.0
        self._recent = RecentSends()
        self._since_cut = Tally()
        self._trial: SlowingTrial | None = None
        self._lifted: Tally | None = None
        self._lifted_until = 0.0
        self._most_lifted = 1.0  # The share refused without a cap that shows it was needed.
        self._bears = 0.0  # Requests a second that were accepted.
        self._accepted = 0.0  # Of them, just before the trial.
        self._is_measured = False  # That was, after the first rush.
        self._needed_at = float("-inf")  # When more was refused without a cap.
        self._began = self._last_cut = self._grown = self._next_at = 0.0
        self._calm = 0  # Requests since the last refusal.
        self._sent_slowly = 0  # Requests since it was slowed down.

    @property
    def slowing(self) -> Slowing | None:
        if self.cap is None or self._lifted is not None:
            return None
        return Slowing.IN_VAIN if self._trial is not None and self._trial.is_in_vain else Slowing.TRIED

    def wait(self, now: float) -> float:
        """Seconds until a request may go; 0 for now."""
        return max(0.0, self._next_at - now) if self.cap is not None else 0.0

    def take(self, now: float) -> None:
        """A request goes. Requests are spread evenly: no burst is saved up."""
        self._recent.sent(now)
        if self._lifted is not None and not self.is_lifted(now):
            self._lifted = None
        if self._lifted is not None:
            self._lifted.sent += 1
            self._lifted.keep(_LIFTED_REQUESTS)
        if self.cap is None:
            return
        self._next_at = max(self._next_at, now) + 1.0 / self.cap
        self._since_cut.sent += 1
        self._sent_slowly += 1
        if self._trial is not None:
            self._trial.sent()
            self._end_trial(self._trial, self.cap, now)
        elif self._lifted is not None:
            self.cap = self._rise(self.cap, now)
        else:
            self.cap = self._grow(self.cap, now)

    def _rise(self, cap: float, now: float) -> float | None:
        """After it was lifted, fast, until it is no cap any more: should it have been needed, that is seen soon."""
        cap *= (1 + _RISE_A_SECOND) ** max(0.0, min(1.0, now - self._grown))
        self._grown = now
        return cap if cap < _FREE * self._recent.per_second(now) + _FREE else None

    def _end_trial(self, trial: SlowingTrial, cap: float, now: float) -> None:
        """If it has shown enough: what the upstream bears is less than was thought, or some are always refused."""
        if trial.helps:
            self.chance = 0.0
            self._bears = (self._bears + self._accepted) / 2
        elif trial.is_still_too_fast:
            self._bears = cap * (1 - trial.share)
        elif trial.is_in_vain and self._is_needed(now):
            self.chance = min(self.chance, trial.share)
        else:
            return
        self._trial = None
        self.cap = max(_LEAST_PER_SECOND, self._bears)

    def _is_needed(self, now: float) -> bool:
        """Whether more was refused without a cap, not long ago."""
        return now - self._needed_at < _LIFTED_SECONDS

    def _grow(self, cap: float, now: float) -> float:
        self._calm += 1
        doubled = max(0, self._calm - _CALM_REQUESTS) / _DOUBLE_REQUESTS
        by_request = 1 + min(_MOST_GROWTH, _GROWTH_A_REQUEST * 2.0 ** min(doubled, 9.0))
        by_second = (1 + _GROWTH_A_SECOND) ** max(0.0, now - self._grown)
        self._grown = now
        cap *= min(by_request, by_second)
        if self._is_measured and self._calm > _CALM_REQUESTS:
            self._bears = max(self._bears, cap)
        return cap

    def refused(self, now: float) -> None:
        """One of the requests that went."""
        refused = self._recent.refused(now)
        self._calm = 0
        self._since_cut.refused += 1
        if self._trial is not None and self.cap is not None:
            self._trial.refused()
            self._end_trial(self._trial, self.cap, now)
        elif self._lifted is not None:
            self._watch(self._lifted, now)
        elif self.cap is not None:
            if now - self._last_cut >= 1.0:
                self._cut(self.cap, now)
        elif refused >= _LEAST_REFUSED and self._recent.share >= _LEAST_SHARE:
            self._begin(now)

    def _watch(self, lifted: Tally, now: float) -> None:
        """Whether more is refused without a cap: then it was needed."""
        lifted.refused += 1
        if lifted.sent >= _LIFTED_REQUESTS / 2 and lifted.share >= self._most_lifted:
            self._needed_at = now
            self._begin(now)

    def _begin(self, now: float) -> None:
        """Slow down to what is accepted. In the first rush that is not known yet: then to half of what was sent."""
        self._lifted = None
        self._bears = self._recent.accepted_per_second(now)
        self.cap = max(_LEAST_PER_SECOND, self._bears, self._recent.per_second(now) * (1 - _MOST_CUT))
        self._is_measured, self._sent_slowly = False, 0
        self._began = self._last_cut = self._grown = now
        self._since_cut = Tally()

    def _cut(self, cap: float, now: float) -> None:
        """By the share that was refused since the last one; far below what was accepted, a trial begins."""
        if not self._is_measured and self._is_measurable(now):
            self._is_measured, self._bears = True, min(self._bears, self._recent.accepted_per_second(now))
            if self.chance:
                self._try(now)
                return
        tally = self._since_cut
        tolerated = self.chance + _TOLERANCE * (1 - self.chance)
        if self.chance and tally.refused <= tolerated * tally.sent + _MORE_REFUSED:
            tally.keep(MEMORY_SENDS)
            return
        refused = (tally.refused - self.chance * tally.sent) / (tally.sent + _FEWEST)
        self.cap = cap * (1 - min(_MOST_CUT, max(_LEAST_CUT, refused)))
        if self._is_measured and self.cap <= _TRIAL_RATE * self._bears:
            self._try(now)
        self.cap = max(_LEAST_PER_SECOND, self.cap)
        self._last_cut = self._grown = now
        self._since_cut = Tally()

    def _is_measurable(self, now: float) -> bool:
        is_over = now - self._began >= MEMORY_SECONDS or self._sent_slowly >= _MEASURED_SENDS
        return is_over and self._recent.share < _RUSH_SHARE

    def _try(self, now: float) -> None:
        """Whether as much is refused at a much lower rate, too."""
        self._accepted = min(self._bears, self._recent.accepted_per_second(now))
        self.cap = max(_LEAST_PER_SECOND, _TRIAL_RATE * self._accepted)
        self._trial = SlowingTrial(self._recent.share)

    def agreed(self, now: float) -> None:
        """No other lane that has slowed down still tries whether that helps."""
        if self._trial is not None and self._trial.is_in_vain:
            self.lift(self._trial.share, now, error=self._trial.error)

    def lift(self, chance: float, now: float, *, error: float = 0.0) -> None:
        """Such a share is refused whatever the rate, maybe wrong by `error`: no cap for a while."""
        self.chance = chance
        most = min(1.0, chance + error)
        self._most_lifted = most + _MORE_SHARE * (1 - most)
        self.cap = max(_LEAST_PER_SECOND, self._bears) if self._bears else None
        self._trial, self._lifted, self._lifted_until, self._grown = None, Tally(), now + _LIFTED_SECONDS, now

    def is_lifted(self, now: float) -> bool:
        """Whether refusals do not depend on the rate, as far as is known."""
        return self._lifted is not None and now < self._lifted_until
