"""Lanes that find out for themselves what an upstream bears, in virtual time: a rule for one must not fool the others."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from shared.domain.pace.adaptive_rate import AdaptiveRate, Slowing

BEAT_SECONDS = 3.0
REFUSED_AFTER = 0.1


@dataclass(kw_only=True)
class Upstream:
    """Refuses a share of requests by `chance`, and above a `limit` a second (a bucket of `burst`) or of `places`."""

    latency: float
    chance: float = 0.0
    limit: float | None = None
    burst: float | None = None
    places: int | None = None

    def __post_init__(self) -> None:
        self.most = self.burst or max(1.0, self.limit or 0.0)
        self.level, self.at, self.inside = self.most, 0.0, 0

    def takes(self, now: float, dice: random.Random) -> bool:
        self.level = min(self.most, self.level + (now - self.at) * (self.limit or 0.0))
        self.at = now
        if (self.limit is not None and self.level < 1) or (self.places is not None and self.inside >= self.places):
            return False
        if dice.random() < self.chance:
            return False
        self.level -= self.limit is not None
        self.inside += 1
        return True


class Found(NamedTuple):
    """Answers a second, refusals a second, and the share of all requests that was refused."""

    answers: float
    refusals: float
    share: float


class Lanes:
    """So many lanes with so many places each, which look at each other's beats."""

    def __init__(self, upstream: Upstream, *, lanes: int = 4, places: int = 16, seed: int = 1) -> None:
        self.upstream, self.places = upstream, places
        self.dice, self.order = random.Random(seed), count()
        self.rates = [AdaptiveRate() for _ in range(lanes)]
        self.said: list[Slowing | None] = [None] * lanes
        self.in_flight, self.turn = [0] * lanes, [-1.0] * lanes
        self.events: list[tuple[float, int, str, int]] = []
        for lane in range(lanes):
            self.at(self.dice.uniform(0, 0.5), "go", lane)
            self.at(self.dice.uniform(0, BEAT_SECONDS), "beat", lane)

    def at(self, when: float, what: str, lane: int) -> None:
        heapq.heappush(self.events, (when, next(self.order), what, lane))

    def run(self, seconds: float, *, since: float | None = None) -> Found:
        """What there was from `since` on; without, in the second half."""
        since, answers, refusals = seconds / 2 if since is None else since, 0, 0
        while self.events and self.events[0][0] <= seconds:
            now, _, what, lane = heapq.heappop(self.events)
            answers += what == "answer" and now > since
            refusals += what == "refusal" and now > since
            self.hear(now, what, lane)
            self.send(now, lane)
        span = seconds - since
        return Found(answers / span, refusals / span, refusals / max(1, answers + refusals))

    def hear(self, now: float, what: str, lane: int) -> None:
        if what == "beat":
            self.said[lane] = self.rates[lane].slowing
            if all(said is not Slowing.TRIED for other, said in enumerate(self.said) if other != lane):
                self.rates[lane].agreed(now)
            self.at(now + BEAT_SECONDS, "beat", lane)
        elif what != "go":
            self.in_flight[lane] -= 1
            self.upstream.inside -= what == "answer"
            if what == "refusal":
                self.rates[lane].refused(now)

    def send(self, now: float, lane: int) -> None:
        while self.in_flight[lane] < self.places:
            if (wait := self.rates[lane].wait(now)) > 1e-9:
                if not now < self.turn[lane] <= now + wait:
                    self.turn[lane] = now + wait
                    self.at(now + wait, "go", lane)
                return
            self.rates[lane].take(now)
            self.in_flight[lane] += 1
            taken = self.upstream.takes(now, self.dice)
            seconds = (self.upstream.latency if taken else REFUSED_AFTER) * self.dice.uniform(0.5, 1.5)
            self.at(now + seconds, "answer" if taken else "refusal", lane)

    @property
    def ideal(self) -> float:
        """Answers a second of lanes that know all."""
        one, here = self.upstream, len(self.rates) * self.places
        most = here / (one.latency + REFUSED_AFTER * one.chance / (1 - one.chance))
        most = min(most, one.limit or most)
        return min(most, one.places / one.latency) if one.places else most
