"""How one target of a deployment is driven by a lane: its places, its rates, its health, and the pause it is left.

What the lane has of it says `take`; what it turns out to bear say its answers. It never waits; `now` is in monotonic
seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.domain.batches.hold_up import sick_upstream, slowed_down
from shared.domain.deployments.deployment import Target
from shared.domain.pace.adaptive_rate import AdaptiveRate, Slowing
from shared.domain.pace.fair_share import Pacer
from shared.domain.pace.heartbeat import Said, TargetBeat
from shared.domain.pace.lane_part import Part
from shared.domain.pace.rate_headers import ObservedLimits, read_limits
from shared.domain.pace.rendezvous import Equal, seed_of
from shared.domain.pace.upstream_health import Blame, Patience, next_pause
from shared.domain.upstream.upstream import Failed, Retry, Succeeded

SLOW_SECONDS = 30.0  # After a refusal the batch counts as slowed down for so long.
READ_LIMITS_SECONDS = 1.0  # Limits change rarely; reading them from every answer would cost more than it tells.
TOKEN_MEMORY = 20  # Answers over which the token factor is averaged.


class TargetPace:
    """Before a request `delay`; then `sent`, `left`, `heard` where there was an HTTP answer, `answered` or `failed`.

    `in_flight` are the lane's requests there. `sent_any`: some request went there in this slice.
    """

    def __init__(self, target: Target, part: Part, patience: Patience, now: float, *, alone: bool = True) -> None:
        self.target = target
        self.group = target.rank  # Those that have the same are equals.
        self.equal = Equal(seed_of(f"{target.base_url} {target.target}"), target.weight)
        self.limits = ObservedLimits()  # as the upstream last named them
        self.health = patience.health(alone=alone)
        self.in_flight = 0
        self.sent_any = False
        self.asked = False  # The upstream asked for the pause.
        self.reason: str | None = None  # of the pause, in a sentence
        self.has_share = part.share > 0
        self._patience = patience
        self._share = part.share or 1
        self._pacer = Pacer(part.requests_per_minute, part.tokens_per_minute, now)
        self._per_minute: float | None = None  # since the last look at which it changed
        self._rate = AdaptiveRate()
        self._token_factor = 1.0  # Tokens the upstream counts for each that was estimated.
        self._waited_seconds = patience.waited_seconds
        self._paused_until = 0.0
        self._slow: tuple[float, str] | None = None
        self._limits_due = 0.0

    @property
    def most(self) -> int:
        """Requests that may be in flight; a target that was sick is asked by one at a time."""
        return 1 if self.health.probing else self._share

    @property
    def room(self) -> int:
        """How many more may go now; 0 while it is left alone, and where the lane has no share of it."""
        if not self.has_share or (self._paused_until and not self.is_there):
            return 0
        most = 1 if self.health.probing else self._share
        return most - self.in_flight if most > self.in_flight else 0

    @property
    def is_there(self) -> bool:
        """Whether the lane may ask it now: it has a share, and no pause holds. A sick one is then probed."""
        if self._paused_until:
            if time.monotonic() < self._paused_until:
                return False
            self._paused_until = 0.0
            self.asked, self.reason = False, None
            if self.health.sick:
                self.health.rested()
        return self.has_share

    def rank(self) -> tuple[tuple[bool, int], float, float]:
        """The lowest is asked first: of equals the one with the fewest requests in flight, by weight."""
        weight = self.target.weight
        return self.group, (self.in_flight + 1) / weight, self.health.requests / weight

    @property
    def pause_seconds(self) -> float:
        """How long to leave it alone, from now."""
        return max(0.0, self._paused_until - time.monotonic())

    def take(self, part: Part, now: float) -> None:
        """The lane's part of it has been computed anew; without a share it keeps what it had, for what is in flight."""
        self.has_share = part.share > 0
        if part.share:
            self._share = part.share
            self._pacer.resize(part.requests_per_minute, part.tokens_per_minute, now)
            if part.requests_per_minute != self._per_minute:
                self._per_minute = part.requests_per_minute
                self._pacer.wait_for_turn(part.ready)
        if part.agrees:
            self._rate.agreed(now)

    def delay(self, tokens: int, now: float) -> float:
        """0 and a request of so many estimated `tokens` may go, or the seconds until it may ask again."""
        delay = self._rate.wait(now) or self._pacer.delay(self.counted(tokens), now)
        if delay == 0.0:
            self._rate.take(now)
        return delay

    def wait(self, tokens: int, now: float) -> float:
        """What `delay` would say; nothing goes."""
        return self._rate.wait(now) or self._pacer.wait(self.counted(tokens), now)

    def counted(self, tokens: int) -> int:
        """A line's estimated `tokens`, as the upstream is likely to count them."""
        return int(tokens * self._token_factor)

    def sent(self) -> int:
        """A request goes out. Which of the slice's to this target it is, for `answered`."""
        self.sent_any = True
        self.in_flight += 1
        return self.health.sent()

    def left(self) -> None:
        """It is no longer with the upstream, however it ended."""
        self.in_flight -= 1

    def heard(self, headers: Mapping[str, str], now: float) -> bool:
        """There was an HTTP answer, of whatever kind. True: its limits are new."""
        if now < self._limits_due:
            return False
        seen = read_limits(headers)
        if seen == ObservedLimits():  # An answer that says nothing, as many a 429, takes nothing back.
            return False
        self._limits_due = now + READ_LIMITS_SECONDS
        is_new, self.limits = seen != self.limits, seen
        return is_new

    def answered(self, outcome: Succeeded | Failed, nth: int, tokens: int) -> bool:
        """The upstream answered the `nth` request itself, good or bad; `tokens` were estimated for it.

        True: it had been sick until then.
        """
        succeeded = isinstance(outcome, Succeeded)
        is_well_again = self.health.answered(nth, succeeded=succeeded)
        if is_well_again:
            self._slow = None
            self._waited_seconds = 0.0
        if isinstance(outcome, Succeeded) and tokens:  # The factor hardly changes within a batch.
            used = outcome.usage.input_tokens + outcome.usage.output_tokens
            self._token_factor += (used / tokens - self._token_factor) / TOKEN_MEMORY
        return is_well_again

    def failed(self, line: int, outcome: Retry, now: float) -> Blame:
        """An attempt of the line failed. A target that turns out to be sick is left alone from now on."""
        if outcome.throttled:
            self._rate.refused(now)
        blame = self.health.failed(line, throttled=outcome.throttled, blameless=outcome.blameless)
        if blame is Blame.SICK:
            pause = next_pause(self._waited_seconds, self._patience.probe_seconds)
            self._waited_seconds += pause
            self.rest(pause, sick_upstream(outcome.reason, outcome.words))
        elif blame is Blame.UPSTREAM:
            self._slow = (now, sick_upstream(outcome.reason, outcome.words))
        elif outcome.throttled:
            self._slow = (now, slowed_down(outcome.reason))
        return blame

    def rest(self, seconds: float, reason: str | None, *, asked: bool = False) -> None:
        """Leave it alone for so long; `asked`: it has asked for that. `reason` is a sentence."""
        self.asked = self.asked or asked
        self.reason = reason or self.reason
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def inherit(self, said: Said, now: float) -> None:
        """What the slice before said of the upstream holds until it answers, and how much it refuses in any case."""
        if self.health.probing and said.reason:
            self._slow = (float("inf"), said.reason)
        if said.chance:
            self._rate.lift(said.chance, now)

    @property
    def slowing(self) -> Slowing | None:
        """What the lane finds of going slower, if it does."""
        return self._rate.slowing

    def chance(self, now: float) -> float:
        """The share that is refused whatever the rate, while lanes count on that."""
        return self._rate.chance if self._rate.is_lifted(now) else 0.0

    def slowed(self, now: float) -> str | None:
        """Why it is slower than it might be, in a sentence."""
        if self._slow is None or now - self._slow[0] > SLOW_SECONDS:
            return None
        return self._slow[1]

    def trouble(self, now: float) -> str | None:
        """Why it is not asked, or slower than it might be, in a sentence."""
        return self.reason if self.pause_seconds else self.slowed(now)

    def beat(self, now: float, wall: datetime) -> TargetBeat:
        """What other lanes and the next slice should know; `now` and `wall` are the same moment."""
        pause = self.pause_seconds
        return TargetBeat(
            target=self.target.target,
            observed=self.limits,
            paused_until=wall + timedelta(seconds=pause) if pause else None,
            reason=self.trouble(now),
            asked=self.asked and pause > 0,
            sick=self.health.sick or self.health.probing,
            slowing=self.slowing,
            chance=self.chance(now),
        )

    def go_on_from(self, said: TargetBeat, wall: datetime) -> None:
        """What the slice before knew of it."""
        if said.sick and not self.health.probing:
            self.health.rested()
        if said.paused_until is not None and said.paused_until > wall:
            self.rest((said.paused_until - wall).total_seconds(), said.reason, asked=said.asked)
        self.inherit(said, time.monotonic())
