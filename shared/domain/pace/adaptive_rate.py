"""The rate an upstream turns out to bear, when nobody has said what its limit is.

Without throttling there is no cap, nor with so little of it that it may be chance: some upstreams throttle a few calls
whatever the rate, and going slower would not help. Once a good share of calls is throttled, the lane is capped at the
rate at which answers have been coming back; every further 429 lowers the cap, at most once a second, and each second
without one raises it a little to find what is new. Where eight slowdowns in a row change nothing, refusals do not
depend on the rate: then nothing is slowed down for a minute, unless most calls are refused, or many more than before.
Pure: `now` is in monotonic seconds.
"""

from __future__ import annotations

from collections import deque

_MEMORY_SECONDS = 5.0
_CUT = 0.9
_SHARE_MEMORY = 20  # Answers over which the share of throttled ones is averaged.
_LEAST_SHARE = 0.3  # A smaller one is no sign of a rate limit: about seven 429s in a row are one.
_GROWTH = 0.02
_LEAST_PER_SECOND = 0.05
# So many refusals, a second or more apart, in so many seconds, and most calls still answered: slower is no better.
_VAIN_CUTS = 8
_VAIN_SECONDS = 12.0
_VAIN_SHARE = 0.5
_LIFTED_SECONDS = 60.0
_MORE_REFUSED = 0.3  # Such a share more without a cap, and it was needed.


class AdaptiveRate:
    """`wait` before a request, `take` when it goes; tell every success and every throttled answer.

    What many cuts have not helped is lifted for a minute.
    """

    def __init__(self) -> None:
        self._cuts: deque[float] = deque(maxlen=_VAIN_CUTS)  # Refusals that slowed the lane down, a second apart.
        self._before_lift: tuple[float | None, float] = None, 0.0  # Cap and share.
        self._lifted_until = float("-inf")
        self.cap: float | None = None  # requests per second
        self._answers: deque[float] = deque()
        self._throttled_share = 0.0
        self._since: float | None = None
        self._last_cut = float("-inf")
        self._grown = 0.0
        self._next_at = 0.0

    def succeeded(self, now: float) -> None:
        if self._since is None:
            self._since = now
        self._throttled_share -= self._throttled_share / _SHARE_MEMORY
        self._answers.append(now)
        while self._answers[0] < now - _MEMORY_SECONDS:
            self._answers.popleft()
        if self.cap is not None and now - self._grown >= 1.0:
            self.cap *= (1 + _GROWTH) ** (now - self._grown)
            self._grown = now

    def throttled(self, now: float) -> None:
        """What was measured counts more than what was tried; with nothing measured yet the window has to do."""
        self._throttled_share += (1 - self._throttled_share) / _SHARE_MEMORY
        if self._since is None or self.is_lifted(now):
            return
        if (not self._cuts or now - self._cuts[-1] >= 1.0) and self._is_vain(now):
            self._lift(now)
            return
        if now - self._last_cut < 1.0 or (self.cap is None and self._throttled_share < _LEAST_SHARE):
            return
        self._last_cut = self._grown = now
        while self._answers and self._answers[0] < now - _MEMORY_SECONDS:
            self._answers.popleft()
        measured = len(self._answers) / max(1.0, min(_MEMORY_SECONDS, now - self._since))
        lowered = measured if self.cap is None else min(measured, self.cap * _CUT)
        self.cap = max(_LEAST_PER_SECOND, lowered)

    def _is_vain(self, now: float) -> bool:
        """Whether slower is no better. At a limit that there is, refusals are some five seconds apart."""
        cuts = self._cuts
        cuts.append(now)
        return len(cuts) == _VAIN_CUTS and now - cuts[0] <= _VAIN_SECONDS and self._throttled_share < _VAIN_SHARE

    def _lift(self, now: float) -> None:
        self._before_lift = self.cap, self._throttled_share
        self.cap, self._lifted_until = None, now + _LIFTED_SECONDS

    def is_lifted(self, now: float) -> bool:
        """Whether refusals do not depend on the rate, as far as is known: where more are refused then, they do."""
        cap, share = self._before_lift
        if now < self._lifted_until and self._throttled_share >= min(_VAIN_SHARE, share + _MORE_REFUSED):
            self._lifted_until, self.cap = now, cap
            self._cuts.clear()
        return now < self._lifted_until

    def wait(self, now: float) -> float:
        """Seconds until a request may go; 0 for now."""
        return max(0.0, self._next_at - now) if self.cap is not None else 0.0

    def take(self, now: float) -> None:
        """A request goes. Requests are spread evenly: no burst is saved up."""
        if self.cap is not None:
            self._next_at = max(self._next_at, now) + 1.0 / self.cap
