"""The rate an upstream turns out to bear, when nobody has said what its limit is.

Without throttling there is no cap, nor before the fifth 429. Then the lane goes as fast as answers have been coming
back, and sees what is refused (`slowing_trial`). At a limit, every further 429 lowers the cap, at most once a second,
and each second without one raises it a little to find what is new. Some upstreams throttle a share of calls whatever
the rate: then the cap rises fast and stays away for some minutes, unless more is refused. Pure: `now` is in monotonic
seconds.
"""

from __future__ import annotations

import math
from collections import deque

from shared.domain.pace.slowing_trial import SlowingTrial, Verdict

_MEMORY_SECONDS = 5.0
_CUT = 0.9
_MUCH_SLOWER = 0.6  # Than in the last trial: another one is due.
_LEAST_TRIED = 0.3  # A second: a slower lane has too few answers to tell.
_GROWTH = 0.02
_LEAST_PER_SECOND = 0.05
_LIFTED_SECONDS = 200.0
_LIFTED_GROWTH = 0.25
_MOST_GROWING_SECONDS = 60.0  # At once, after a silence.
_SHARE_MEMORY = 30  # Requests over which the share of refused ones is averaged while there is no cap.
_MORE_REFUSED, _MOST_REFUSED = 0.3, 0.65  # Such a share more than when the cap was lifted, or this: it was needed.


class AdaptiveRate:
    """`wait` before a request, `take` when it goes; tell every success and every throttled answer."""

    def __init__(self) -> None:
        self.cap: float | None = None  # requests per second
        self._trial = SlowingTrial()
        self._tried = 0.0  # Requests a second in the last trial.
        self._lifted_until = float("-inf")
        self._lifted_cap = _LEAST_PER_SECOND
        self._refused_share = 0.0  # While the cap is lifted, of requests.
        self._most_refused = 0.0
        self._answers: deque[float] = deque()
        self._since: float | None = None
        self._last_cut = float("-inf")
        self._grown = 0.0
        self._next_at = 0.0

    @property
    def is_measured(self) -> bool:
        """Whether any answer has come: before, only the number of requests in flight can be held back."""
        return self._since is not None

    def succeeded(self, now: float) -> None:
        if self._since is None:
            self._since = now
        self._trial.count(now, refused=False)
        self._answers.append(now)
        self._forget(now)
        self._judge(now)
        if self.cap is not None and now - self._grown >= 1.0:
            self._grow(self.cap, now)

    def _grow(self, cap: float, now: float) -> None:
        is_lifted = now < self._lifted_until
        growth = _LIFTED_GROWTH if is_lifted else 0.0 if self._trial.is_on else _GROWTH
        self.cap = cap * (1 + growth) ** min(now - self._grown, _MOST_GROWING_SECONDS)
        self._grown = now
        if is_lifted and self.cap > 4 * self._measured(now):
            self.cap = None

    def _forget(self, now: float) -> None:
        while self._answers and self._answers[0] < now - _MEMORY_SECONDS:
            self._answers.popleft()

    def _measured(self, now: float) -> float:
        """Answers a second, lately."""
        self._forget(now)
        seconds = _MEMORY_SECONDS if self._since is None else min(_MEMORY_SECONDS, now - self._since)
        return len(self._answers) / max(1.0, seconds)

    def throttled(self, now: float) -> None:
        """What was measured counts more than what was tried; with nothing measured yet the window has to do."""
        self._trial.count(now, refused=True)
        self._refused_share += 1 / _SHARE_MEMORY
        self._judge(now)
        if now - self._last_cut < 1.0 or self._since is None or self._trial.is_on or self._is_lifted(now):
            return
        self._last_cut = now
        measured, cap = self._measured(now), self.cap
        if measured < _LEAST_TRIED or (cap is not None and cap >= _MUCH_SLOWER * self._tried):
            self._set(measured if cap is None else min(measured, cap * _CUT), now)
        elif self._trial.is_ready:
            self._try(measured if cap is None else max(measured, cap), now)

    def _try(self, cap: float, now: float) -> None:
        self._trial.begin(now)
        self._tried = cap
        self._set(cap, now)

    def _set(self, cap: float, now: float) -> None:
        self.cap = max(_LEAST_PER_SECOND, cap)
        self._grown = now

    def _judge(self, now: float) -> None:
        verdict = self._trial.verdict(now)
        if verdict is Verdict.CHANCE:
            self._lift(now)
        elif verdict is Verdict.NEITHER:
            self._try(min(self._measured(now), _CUT * (self.cap or math.inf)), now)

    def _lift(self, now: float) -> None:
        self._lifted_until = now + _LIFTED_SECONDS
        self._lifted_cap = self.cap or _LEAST_PER_SECOND
        self._refused_share = self._trial.share
        self._most_refused = min(_MOST_REFUSED, self._refused_share + _MORE_REFUSED)
        self._grown = now

    def _is_lifted(self, now: float) -> bool:
        """Whether refusals do not depend on the rate, as far as is known."""
        if now < self._lifted_until and self._refused_share >= self._most_refused:
            self._lifted_until = now
            self.cap = self._lifted_cap
        return now < self._lifted_until

    def wait(self, now: float) -> float:
        """Seconds until a request may go; 0 for now."""
        return max(0.0, self._next_at - now) if self.cap is not None else 0.0

    def take(self, now: float) -> None:
        """A request goes. Requests are spread evenly: no burst is saved up."""
        self._refused_share -= self._refused_share / _SHARE_MEMORY
        if self.cap is not None:
            self._next_at = max(self._next_at, now) + 1.0 / self.cap
