"""When a lane sends: how many requests at once, how soon the next, and from when on none in this slice.

One object answers, and is told of every answer: from the lane's part of the deployment (`take`), its AIMD window, the
rate that the upstream turns out to bear, the upstream's health and its wish for a pause. What it has learned it tells
the lane's lease and the next slice. It never waits; the gate does. `now` is in monotonic seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from shared.domain.batches.hold_up import asked_to_wait, sick_upstream, slowed_down
from shared.domain.pace.adaptive_rate import AdaptiveRate
from shared.domain.pace.budget import Budget
from shared.domain.pace.fair_share import Pacer, Window
from shared.domain.pace.lane_decision import Part
from shared.domain.pace.rate_headers import ObservedLimits, read_limits
from shared.domain.pace.upstream_health import Blame, Patience
from shared.domain.upstream.upstream import Failed, Retry, Succeeded
from shared.run.lane.gate import Gate

SLOW_SECONDS = 30.0  # After a refusal the batch counts as slowed down for so long.
READ_LIMITS_SECONDS = 1.0  # Limits change rarely; reading them from every answer would cost more than it tells.
TOKEN_MEMORY = 20  # Answers over which the token factor is averaged.


class Sending:
    """`stop` is set by whoever has a reason: no further request begins. `news` is set when limits were learned.

    Before a request: `gate`, then `delay`; then `sent`, `heard` where there was an HTTP answer, and `answered` or
    `failed`.
    """

    def __init__(self, part: Part, patience: Patience, budget: Budget, now: float) -> None:
        self.stop = asyncio.Event()
        self.news = asyncio.Event()
        self.limits = ObservedLimits()  # as the upstream last named them
        self.health = patience.health()
        self.gate = Gate(self._most, budget)
        self.reason: str | None = None  # of the pause, in a sentence
        self.asked = False  # The upstream asked for the pause.
        self.begins = True  # A further line may begin, without that another has to end.
        self.trying = 0  # Lines that have begun and wait for no other one.
        self._patience = patience
        self._window = Window(part.share)
        self._pacer = Pacer(part.requests_per_minute, part.tokens_per_minute, now)
        self._rate = AdaptiveRate()
        self._token_factor = 1.0  # Tokens the upstream counts for each that was estimated.
        self._paused_until = 0.0
        self._sent = False
        self._finds_it_sick = False  # another lane of the batch
        self._slow: tuple[float, str] | None = None
        self._limits_due = 0.0

    def _most(self) -> int:
        """Requests that may be in flight; an upstream that was sick is asked by one at a time."""
        return 1 if self.health.probing else self._window.size

    def take(self, part: Part, now: float) -> None:
        """The lane's part has been computed anew; a lane without a share keeps what it had."""
        self._finds_it_sick = part.finds_it_sick
        if part.pause_seconds:
            self.pause(part.pause_seconds, part.pause_reason)
        if part.share:
            self._window.resize(part.share)
            self._pacer.resize(part.requests_per_minute, part.tokens_per_minute, now)
            self.gate.wake()

    def counted(self, tokens: int) -> int:
        """A line's estimated `tokens`, as the upstream is likely to count them."""
        return int(tokens * self._token_factor)

    def delay(self, counted: int, now: float) -> float:
        """0 and the request may go, or the seconds until it may ask again."""
        delay = self._rate.wait(now) or self._pacer.delay(counted, now)
        if delay == 0.0:
            self._rate.take(now)
        return delay

    def sent(self) -> int:
        """A request goes out. Which of the slice's it is, for `answered`."""
        self._sent = True
        return self.health.sent()

    def heard(self, headers: Mapping[str, str], now: float) -> None:
        """There was an HTTP answer, of whatever kind."""
        if now >= self._limits_due:
            seen = read_limits(headers)
            if seen != ObservedLimits():  # An answer that says nothing, as many a 429, takes nothing back.
                self._limits_due = now + READ_LIMITS_SECONDS
                if seen != self.limits:
                    self.limits = seen
                    self.news.set()

    def answered(self, outcome: Succeeded | Failed, nth: int, tokens: int, now: float) -> None:
        """The upstream answered the `nth` request itself, good or bad; `tokens` were estimated for it."""
        succeeded = isinstance(outcome, Succeeded)
        if self.health.answered(nth, succeeded=succeeded):  # It had been sick until then.
            self._slow = None
            self.gate.wake()
        if not isinstance(outcome, Succeeded):
            return
        self._rate.succeeded(now)
        self._window.succeeded()
        if tokens:  # The factor hardly changes within a batch.
            used = outcome.usage.input_tokens + outcome.usage.output_tokens
            self._token_factor += (used / tokens - self._token_factor) / TOKEN_MEMORY

    def failed(self, line: int, outcome: Retry, now: float) -> bool:
        """An attempt of the line failed; whether it counts as one of the line's.

        An upstream that turns out to be sick is left alone from now on. Lines do not pay for it while patience lasts.
        """
        if outcome.throttled:
            self._window.throttled(now)
            self._rate.throttled(now)
        blame = self.health.failed(line, throttled=outcome.throttled, blameless=outcome.blameless)
        if blame is Blame.SICK:
            self.hold(self._patience.next_pause, sick_upstream(outcome.reason, outcome.words))
        elif blame is Blame.UPSTREAM:
            self._slow = (now, sick_upstream(outcome.reason, outcome.words))
        elif outcome.throttled:
            self._slow = (now, slowed_down(outcome.reason))
        return blame is Blame.LINE

    @property
    def may_be_answered(self) -> bool:
        """Whether another line may still be answered, of the slice or of a lane that waits for a sick upstream.

        As far as can be told at no cost. A lane that waits for the upstream itself waits for no other: no two do so for
        each other.
        """
        others = self._finds_it_sick and not self.health.probing
        return self.health.patient and bool(self.begins or self.trying or others) and not self.stop.is_set()

    def asked_to_wait(self, reason: str, seconds: float) -> None:
        """An answer asked for so long a pause."""
        self.pause(seconds, asked_to_wait(reason, seconds))

    def pause(self, seconds: float, reason: str | None) -> None:
        """The upstream asked to be left alone for so long; `reason` is a sentence."""
        self.asked = True
        self.hold(seconds, reason)

    def hold(self, seconds: float, reason: str | None) -> None:
        """The lane has to pause for so long, though the upstream did not ask for it."""
        self.reason = reason or self.reason
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
        self.stop.set()

    def inherit(self, reason: str | None) -> None:
        """What the slice before said of the upstream holds until it answers."""
        if self.health.probing and reason:
            self._slow = (float("inf"), reason)

    def slowed(self, now: float) -> str | None:
        """Why the lane is slower than it might be, in a sentence."""
        if self._slow is None or now - self._slow[0] > SLOW_SECONDS:
            return None
        return self._slow[1]

    @property
    def wait_seconds(self) -> float:
        """How long to leave the upstream alone, from now."""
        return max(0.0, self._paused_until - time.monotonic())

    @property
    def waited_seconds(self) -> float:
        """What to hand to the next slice: an upstream that is well again is met with full patience."""
        if not self._sent:
            return self._patience.waited_seconds
        return self._patience.waited_seconds + self.wait_seconds if self.health.sick else 0.0
