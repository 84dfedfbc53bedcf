"""What a lane hears from its upstream beside answers: its limits, its wish for a pause, signs that it is sick.

`stop` ends the slice: no further request begins. Whoever has a reason to stop sets it here, with the reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from shared.domain.hold_up import asked_to_wait, sick_upstream, slowed_down
from shared.domain.rate_headers import ObservedLimits, read_limits
from shared.domain.retry import RetryBudget, next_pause

SLOW_SECONDS = 30.0  # After a refusal the batch counts as slowed down for so long.
READ_LIMITS_SECONDS = 1.0  # Limits change rarely; reading them from every answer would cost more than it tells.


class Signals:
    """`waited_seconds` is how long the lane has left this sick upstream alone before this slice."""

    def __init__(self, waited_seconds: float, patience_seconds: float) -> None:
        self.stop = asyncio.Event()
        self.news = asyncio.Event()  # set when the upstream names new limits
        self.limits = ObservedLimits()
        self.reason: str | None = None
        self.asked = False
        self.sick = False
        self._waited_seconds = waited_seconds
        self._budget = RetryBudget() if waited_seconds < patience_seconds else None
        self._paused_until = 0.0
        self._sent = False
        self._refused: tuple[float, str] | None = None
        self._limits_due = 0.0

    def sent(self) -> None:
        """A request went out."""
        self._sent = True
        if self._budget is not None:
            self._budget.sent()

    def answered(self, headers: Mapping[str, str], now: float) -> None:
        """`now` in monotonic seconds."""
        if now >= self._limits_due:
            seen = read_limits(headers)
            if seen != ObservedLimits():  # An answer that says nothing, as many a 429, takes nothing back.
                self._limits_due = now + READ_LIMITS_SECONDS
                if seen != self.limits:
                    self.limits = seen
                    self.news.set()

    def failed(self, reason: str) -> None:
        """A request needs another attempt. Past the retry budget the upstream counts as sick and is left alone.

        When patience is used up there is no budget any more: each line then uses its own attempts and fails.
        """
        if self._budget is not None and not self._budget.spend() and not self.sick:
            self.sick = True
            self._pause(next_pause(self._waited_seconds), sick_upstream(reason))

    def throttled(self, reason: str, now: float) -> None:
        """A request was refused because there were too many. `now` in monotonic seconds."""
        self._refused = (now, reason)

    def slowed(self, now: float) -> str | None:
        """Why the lane is slower than it might be, in a sentence. `now` in monotonic seconds."""
        if self._refused is None or now - self._refused[0] > SLOW_SECONDS:
            return None
        return slowed_down(self._refused[1])

    def asked_to_wait(self, reason: str, seconds: float) -> None:
        """An answer asked for so long a pause."""
        self.pause(seconds, asked_to_wait(reason, seconds))

    def hold(self, seconds: float, reason: str) -> None:
        """The lane has to pause for so long, for a `reason` that is none of the upstream's."""
        self._pause(seconds, reason)

    def pause(self, seconds: float, reason: str | None) -> None:
        """The upstream asked to be left alone for so long; `reason` is a sentence."""
        self.asked = True
        self._pause(seconds, reason)

    def _pause(self, seconds: float, reason: str | None) -> None:
        self.reason = reason or self.reason
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        self.stop.set()

    @property
    def wait_seconds(self) -> float:
        """How long to leave the upstream alone, from now."""
        return max(0.0, self._paused_until - time.monotonic())

    @property
    def waited_seconds(self) -> float:
        """What to hand to the next slice: an upstream that is well again is met with full patience."""
        if not self._sent:
            return self._waited_seconds
        return self._waited_seconds + self.wait_seconds if self.sick else 0.0
