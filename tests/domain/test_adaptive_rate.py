"""The rate an upstream turns out to bear, where nobody has said what its limit is."""

from __future__ import annotations

import random

import pytest

from shared.domain.pace.adaptive_rate import AdaptiveRate, Slowing
from tests.domain.lanes_at_an_upstream import Lanes, Upstream


@pytest.mark.parametrize("latency", [0.05, 0.5, 5.0, 20.0])
@pytest.mark.parametrize("chance", [0.05, 0.2, 0.4, 0.6])
def test_lanes_of_an_upstream_that_refuses_by_chance_keep_their_places(latency: float, chance: float) -> None:
    """However long answers take. With a window that halves at refusals it was 0.00 to 0.4 of them."""
    lanes = Lanes(Upstream(latency=latency, chance=chance))
    found = lanes.run(180 if latency < 1 else 600 if latency < 10 else 1800)

    assert found.answers > (0.85 if chance < 0.5 else 0.6) * lanes.ideal


@pytest.mark.parametrize(
    ("latency", "limit", "used", "most_refused"),
    [
        (0.05, 100, 0.97, 0.02),
        (0.2, 2, 0.9, 0.2),
        (0.2, 10, 0.97, 0.08),
        (0.2, 50, 0.97, 0.03),
        (5, 2, 0.9, 0.2),
        (5, 5, 0.95, 0.08),
        (5, 10, 0.95, 0.08),
        (5, 11, 0.93, 0.08),
        (20, 2, 0.55, 0.1),
        (20, 1, 0.15, 0.25),
    ],
)
def test_a_true_limit_is_used(latency: float, limit: float, used: float, most_refused: float) -> None:
    """And few calls are refused; more where a lane sends one in seconds, as one that comes a moment early is refused."""
    found = Lanes(Upstream(latency=latency, limit=limit)).run(300 if latency < 1 else 900)

    assert found.answers > used * limit
    assert found.share < most_refused


@pytest.mark.parametrize(("latency", "limit"), [(0.2, 10), (5, 5), (20, 1)])
def test_a_limit_by_the_minute_is_used(latency: float, limit: float) -> None:
    """What it bears at first is no measure."""
    found = Lanes(Upstream(latency=latency, limit=limit, burst=60 * limit)).run(900)

    assert found.answers > 0.97 * limit
    assert found.refusals < 3


@pytest.mark.parametrize("places", [20, 40])
def test_a_limit_of_requests_at_once_is_used(places: int) -> None:
    """As a rate; that varies, as answers do."""
    lanes = Lanes(Upstream(latency=5.0, places=places))
    found = lanes.run(600)

    assert found.answers > 0.8 * lanes.ideal
    assert found.share < 0.15


def test_a_limit_of_an_upstream_that_refuses_by_chance_as_well() -> None:
    """A good part of it is used, and the upstream is not stormed."""
    found = Lanes(Upstream(latency=0.2, limit=20, chance=0.2)).run(240)

    assert found.answers > 0.3 * 20
    assert found.share < 0.5


@pytest.mark.parametrize("lanes", [1, 16])
def test_any_number_of_lanes(lanes: int) -> None:
    """One that is alone agrees with itself, and many do."""
    by_chance = Lanes(Upstream(latency=5.0, chance=0.2), lanes=lanes)
    limited = Lanes(Upstream(latency=5.0, limit=10), lanes=lanes, places=64).run(300)

    assert by_chance.run(600).answers > 0.7 * by_chance.ideal
    assert limited.answers > 9.5
    assert limited.share < (0.05 if lanes == 1 else 0.15)


def test_the_first_rush_ends_within_seconds() -> None:
    """Of 640 refusals a second that the places could cause."""
    assert Lanes(Upstream(latency=1.0, limit=5)).run(120, since=10).refusals < 2


def test_where_the_limit_is_just_not_reached_all_places_are_used() -> None:
    """Though the first requests, which come all at once, are refused."""
    lanes = Lanes(Upstream(latency=5.0, limit=14))
    found = lanes.run(300)

    assert found.answers > 0.97 * lanes.ideal
    assert found.share < 0.01


def test_it_follows_a_limit_that_rises() -> None:
    """To three times of it, within a minute or two."""
    upstream = Upstream(latency=0.5, limit=5)
    lanes = Lanes(upstream)
    before = lanes.run(60).answers
    upstream.limit = upstream.most = 15.0
    after = lanes.run(240).answers

    assert before < 5.5
    assert after > 13


def test_it_follows_a_limit_that_falls() -> None:
    """Within seconds."""
    upstream = Upstream(latency=0.5, limit=40)
    lanes = Lanes(upstream)
    lanes.run(60)
    upstream.limit = upstream.most = 8.0
    lanes.run(75, since=60)
    found = lanes.run(180, since=75)

    assert found.answers > 7
    assert found.share < 0.15


def test_a_limit_that_comes_after_chance_is_found() -> None:
    """More is refused without a cap then: it is needed."""
    upstream = Upstream(latency=0.5, chance=0.4)
    lanes = Lanes(upstream)
    lanes.run(120)
    assert any(rate.is_lifted(120) for rate in lanes.rates)
    upstream.limit = upstream.most = upstream.level = 10.0
    upstream.chance = 0.0
    found = lanes.run(300, since=200)

    assert found.answers > 6
    assert found.share < 0.5


def hammered(chance: float, seconds: float, rate: AdaptiveRate) -> float:
    """Of one lane alone, whose looks come each second: the last moment."""
    dice, now, looked = random.Random(2), 0.0, 0.0
    while now < seconds:
        now += max(1 / 40, rate.wait(now))
        rate.take(now)
        if dice.random() < chance:
            rate.refused(now)
        if now - looked > 1:
            rate.agreed(now)
            looked = now
    return now


def test_the_next_slice_knows_what_is_refused_by_chance() -> None:
    """It does not try anew."""
    rate = AdaptiveRate()
    now = hammered(0.4, 60, rate)
    assert rate.is_lifted(now)
    assert 0.2 < rate.chance < 0.6

    later = AdaptiveRate()
    later.lift(rate.chance, now)
    assert later.is_lifted(now)
    assert later.wait(now) == 0.0
    assert later.slowing is None


def test_others_that_still_try_keep_it_slow() -> None:
    """A lane whose own trial was in vain says so, and waits for them: their excess would be refused as well."""
    rate, dice, now = AdaptiveRate(), random.Random(1), 0.0
    while now < 120:
        now += max(1 / 40, rate.wait(now))
        rate.take(now)
        if dice.random() < 0.5:
            rate.refused(now)

    assert rate.slowing is Slowing.IN_VAIN
    assert rate.wait(now) > 0.1
    rate.agreed(now)
    assert rate.slowing is None


def test_few_refusals_set_no_cap() -> None:
    """Some upstreams refuse a few calls whatever the rate."""
    rate, dice = AdaptiveRate(), random.Random(1)
    for call in range(10_000):
        rate.take(call / 800)
        if dice.random() < 0.05:
            rate.refused(call / 800)

    assert rate.cap is None


def test_a_rush_of_refusals_is_met_at_once() -> None:
    """Within a fraction of a second; a few are no rush."""
    rate, caps = AdaptiveRate(), []
    for number in range(20):
        rate.take(number / 100)
        rate.refused(number / 100)
        caps.append(rate.cap)

    assert caps[:6] == [None] * 6
    assert None not in caps[6:]
