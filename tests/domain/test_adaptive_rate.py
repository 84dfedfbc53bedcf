"""The rate an upstream turns out to bear."""

from __future__ import annotations

import heapq
import random

import pytest

from bench.mock_behaviour import Bucket
from shared.domain.pace.adaptive_rate import AdaptiveRate
from shared.domain.pace.fair_share import Window


def drive(rate: AdaptiveRate, limit: float, seconds: float, wish: float = 50.0) -> tuple[float, float]:
    """Send as fast as `rate` allows, at most `wish` a second, to an upstream with a token bucket of `limit` a second.

    Returns (answers a second, share refused) of the second half.
    """
    bucket, now, last, answered, refused = limit, 0.0, 0.0, 0, 0
    while now < seconds:
        now += max(1 / wish, rate.wait(now))
        rate.take(now)
        bucket = min(limit, bucket + (now - last) * limit)
        last = now
        if bucket >= 1:
            bucket -= 1
            rate.succeeded(now)
            answered += now > seconds / 2
        else:
            rate.throttled(now)
            refused += now > seconds / 2
    return answered / (seconds / 2), refused / (answered + refused)


def test_without_throttling_there_is_no_cap() -> None:
    """An upstream that bears everything is never waited for."""
    rate = AdaptiveRate()
    answered, _ = drive(rate, limit=1000, seconds=20)

    assert rate.cap is None
    assert answered > 45


def test_it_settles_at_the_limit() -> None:
    """After some seconds nearly all of an unknown limit is used and few calls are refused."""
    answered, refused = drive(AdaptiveRate(), limit=10, seconds=120)

    assert 9 <= answered <= 10.5
    assert refused < 0.05


def test_it_follows_a_limit_that_rises() -> None:
    """A limit that was raised is found again."""
    rate = AdaptiveRate()
    drive(rate, limit=5, seconds=30)
    before = rate.cap
    for second in range(30, 90):
        rate.succeeded(float(second))

    assert before is not None
    assert rate.cap is not None
    assert rate.cap > before * 2


def test_throttling_by_chance_sets_no_cap() -> None:
    """An upstream that throttles one call in twenty, whatever the rate, is not slowed down."""
    rate, dice = AdaptiveRate(), random.Random(1)
    for call in range(10_000):
        (rate.throttled if dice.random() < 0.05 else rate.succeeded)(call / 800)

    assert rate.cap is None


def test_a_throttle_before_any_answer_sets_no_cap() -> None:
    """With nothing measured yet the window alone has to do."""
    rate = AdaptiveRate()
    rate.throttled(1.0)

    assert rate.cap is None


def refused_by_chance(rate: AdaptiveRate, share: float, seconds: float) -> float:
    """Requests a second, of 40 wished, of an upstream that refuses such a share of them whatever the rate."""
    dice, now, sent = random.Random(1), 0.0, 0
    while now < seconds:
        now += max(1 / 40, rate.wait(now))
        rate.take(now)
        sent += 1
        if dice.random() < share:
            rate.throttled(now)
        else:
            rate.succeeded(now)
    return sent / seconds


def test_a_cap_that_does_not_help_is_lifted() -> None:
    """Where slower is refused as often: an upstream may refuse by chance, whatever the rate."""
    rate = AdaptiveRate()

    assert refused_by_chance(rate, 0.2, 120) > 36
    assert rate.cap is None


class Lanes:
    """Four lanes of 16 places each on one upstream, which refuses by chance or has a limit of requests a second."""

    def __init__(
        self,
        latency_seconds: float,
        *,
        chance: float = 0.0,
        limit: float | None = None,
        refused_after: float = 0.1,
    ) -> None:
        self.refused_after = refused_after
        self.latency, self.chance, self.bucket = latency_seconds, chance, Bucket(round(60 * limit) if limit else 0)
        self.dice = random.Random(1)
        self.lanes = [(AdaptiveRate(), Window(16)) for _ in range(4)]
        self.in_flight = [0] * 4
        self.answers: list[tuple[float, int, bool]] = []

    def run(self, seconds: float) -> tuple[float, float]:
        """(answers a second, share refused) of the second half."""
        answered = refused = 0
        for tick in range(int(seconds * 100)):
            now = 1.0 + tick / 100
            while self.answers and self.answers[0][0] <= now:
                _, lane, good = heapq.heappop(self.answers)
                self.hear(lane, now, good=good)
                if tick > seconds * 50:
                    answered, refused = answered + good, refused + (not good)
            for lane in range(4):
                self.send(lane, now)
        return answered / seconds * 2, refused / (answered + refused)

    def hear(self, lane: int, now: float, *, good: bool) -> None:
        rate, window = self.lanes[lane]
        self.in_flight[lane] -= 1
        if good:
            rate.succeeded(now)
            window.succeeded()
            return
        rate.throttled(now)
        if not rate.is_lifted(now):
            window.throttled(now)

    def send(self, lane: int, now: float) -> None:
        rate, window = self.lanes[lane]
        while self.in_flight[lane] < window.size and not rate.wait(now):
            rate.take(now)
            self.in_flight[lane] += 1
            good = not self.bucket.lacks(1, now) and self.dice.random() >= self.chance
            if good:
                self.bucket.take(1)
            seconds = self.latency * self.dice.uniform(0.5, 1.5) if good else self.refused_after
            heapq.heappush(self.answers, (now + seconds, lane, good))


def test_lanes_of_an_upstream_that_refuses_by_chance_keep_their_places() -> None:
    """A fifth, of some 106 a second that all places can do; without lifting it was less than one."""
    answered, _ = Lanes(0.5, chance=0.2).run(120)
    assert answered > 90


@pytest.mark.parametrize(("limit", "most_refused"), [(2, 0.2), (10, 0.08), (50, 0.03)])
def test_a_true_limit_is_not_taken_for_chance(limit: int, most_refused: float) -> None:
    """Nearly all of it is used, and few calls are refused."""
    answered, refused = Lanes(0.2, limit=limit).run(240)
    assert answered > 0.9 * limit
    assert refused < most_refused


def test_lanes_do_not_take_each_others_excess_for_chance() -> None:
    """Answers and refusals of a server nearby: what one lane sends too much, the others see refused."""
    answered, refused = Lanes(0.05, limit=100, refused_after=0.01).run(60)
    assert answered > 95
    assert refused < 0.02


def test_a_rush_of_refusals_is_met_at_once() -> None:
    """The first of them was no sign of a limit yet; the others do not wait for another second to count."""
    rate = AdaptiveRate()
    rate.succeeded(0.0)
    for number in range(20):
        rate.throttled(0.1 + number / 100)

    assert rate.cap is not None


def test_where_more_is_refused_without_a_cap_there_is_one() -> None:
    """Two of five, where it was one in twenty when slowing down had not helped."""
    rate = AdaptiveRate()
    refused_by_chance(rate, 0.05, 30)
    before = rate.cap
    for number in range(80):
        (rate.throttled if number % 5 < 2 else rate.succeeded)(30 + number / 40)

    assert before is None
    assert rate.cap is not None
