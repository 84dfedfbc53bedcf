"""The rate an upstream turns out to bear."""

from __future__ import annotations

import random

from shared.domain.pace.adaptive_rate import AdaptiveRate


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
    """Where slower is refused as often, as a target among others may do; at a true limit nothing is lifted."""
    rate, plain = AdaptiveRate(lifts=True), AdaptiveRate()

    assert refused_by_chance(AdaptiveRate(lifts=True), 0.2, 120) > 30
    assert drive(rate, limit=10, seconds=120) == drive(plain, limit=10, seconds=120)
    assert rate.cap is not None
