"""What a lane hears from its upstream beside answers: its limits, its wish for a pause, signs that it is sick.

`stop` ends the slice: no further request begins. Whoever has a reason to stop sets it here, with the reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from shared.domain.batches.hold_up import asked_to_wait, sick_upstream, slowed_down
from shared.domain.pace.rate_headers import ObservedLimits, read_limits
from shared.domain.pace.upstream_health import Blame, UpstreamHealth, next_pause
from shared.domain.upstream.upstream import Retry

SLOW_SECONDS = 30.0  # After a refusal the batch counts as slowed down for so long.
READ_LIMITS_SECONDS = 1.0  # Limits change rarely; reading them from every answer would cost more than it tells.


class Signals:
    """`waited_seconds` is how long the lane has left this sick upstream alone before this slice.

    It does so for `patience_seconds` in all, and asks it again at least every `probe_seconds`.
    """

    def __init__(self, waited_seconds: float, patience_seconds: float, probe_seconds: float) -> None:
        self.stop = asyncio.Event()
        self.news = asyncio.Event()  # set when the upstream names new limits
        self.limits = ObservedLimits()
        self.reason: str | None = None
        self.asked = False
        self.all_begun = False  # no further line of the slice will begin
        self.health = UpstreamHealth(probing=waited_seconds > 0, patient=waited_seconds < patience_seconds)
        self._waited_seconds = waited_seconds
        self._probe_seconds = probe_seconds
        self._paused_until = 0.0
        self._sent = False
        self._slow: tuple[float, str] | None = None
        self._limits_due = 0.0

    def sent(self) -> None:
        """A request went out."""
        self._sent = True
        self.health.sent()

    def answered(self, headers: Mapping[str, str], now: float) -> None:
        """`now` in monotonic seconds."""
        if now >= self._limits_due:
            seen = read_limits(headers)
            if seen != ObservedLimits():  # An answer that says nothing, as many a 429, takes nothing back.
                self._limits_due = now + READ_LIMITS_SECONDS
                if seen != self.limits:
                    self.limits = seen
                    self.news.set()

    def failed(self, line: int, outcome: Retry, now: float) -> bool:
        """An attempt of the line failed; whether it counts as one of the line's. `now` in monotonic seconds.

        An upstream that turns out to be sick is left alone from now on. Lines do not pay for it while patience lasts.
        """
        blame = self.health.failed(line, throttled=outcome.throttled, blameless=outcome.blameless)
        if blame is Blame.SICK:
            self._pause(
                next_pause(self._waited_seconds, self._probe_seconds), sick_upstream(outcome.reason, outcome.words)
            )
        elif blame is Blame.UPSTREAM:
            self._slow = (now, sick_upstream(outcome.reason, outcome.words))
        elif outcome.throttled:
            self._slow = (now, slowed_down(outcome.reason))
        return blame is Blame.LINE

    def inherit(self, reason: str | None) -> None:
        """What the slice before said of the upstream holds until it answers."""
        if self.health.probing and reason:
            self._slow = (float("inf"), reason)

    def slowed(self, now: float) -> str | None:
        """Why the lane is slower than it might be, in a sentence. `now` in monotonic seconds."""
        if self._slow is None or now - self._slow[0] > SLOW_SECONDS:
            return None
        return self._slow[1]

    @property
    def may_be_answered(self) -> bool:
        """Whether another line of the slice may still be answered, as far as can be told at no cost."""
        return self.health.patient and not self.all_begun and not self.stop.is_set()

    def well(self, *, succeeded: bool) -> bool:
        """The upstream answered a request. True: it had been sick until then."""
        if not self.health.answered(succeeded=succeeded):
            return False
        self._slow = None
        return True

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
        return self._waited_seconds + self.wait_seconds if self.health.sick else 0.0
