import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.pace.deadline_risk import Pace, is_at_risk
from shared.domain.pace.fair_share import FLOOR, Claim, shares

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR = 3600.0
TICK = 60.0  # Seconds.
LIMIT = 1100
CLAIMS = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.builds(
        Claim,
        project=st.sampled_from("pqr"),
        urgency=st.sampled_from([1, 4, 16]),
        due=st.none() | st.integers(1, 9).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    min_size=1,
)


def without_deadlines(claims):
    return {name: msgspec.structs.replace(claim, due=None) for name, claim in claims.items()}


def parts(claims, limit=10**6):
    return shares(limit, {name: {0} for name in claims}, 0, claims)


def by_batch(slots):
    sums = Counter()
    for (name, _), part in slots.items():
        sums[name] += part
    return sums


def by_project(claims, values):
    sums = Counter()
    for name, part in values.items():
        sums[claims[name].project] += part
    return sums


@given(claims=CLAIMS)
def test_a_deadline_takes_from_its_own_project_only(claims):
    """Projects have the parts that they had; all of them sum to one, and the shares to the limit."""
    found, usual = parts(claims), parts(without_deadlines(claims))
    before, after = by_project(claims, usual.parts), by_project(claims, found.parts)

    assert all(abs(before[project] - after[project]) < 1e-9 for project in before)
    assert abs(sum(found.parts.values()) - 1) < 1e-9
    assert sum(found.slots.values()) == 10**6


@given(claims=CLAIMS)
def test_none_falls_under_the_floor(claims):
    """The first at risk of a project has all that the others can spare; each of those keeps one in FLOOR of its part."""
    found, usual = parts(claims), parts(without_deadlines(claims))
    for project in {claim.project for claim in claims.values()}:
        names = [name for name, claim in claims.items() if claim.project == project]
        at_risk = [(claims[name].due, name) for name in names if claims[name].due]
        first = min(at_risk)[1] if at_risk else None
        for name in set(names) - {first}:
            kept = usual.parts[name] / FLOOR if first else usual.parts[name]
            assert abs(found.parts[name] - kept) < 1e-9
            assert found.of(name, 0) >= math.floor(kept * 10**6)


@given(claims=CLAIMS, limit=st.integers(1, 1000), turn=st.integers(0, 10**6))
def test_the_order_of_the_rows_makes_no_difference(claims, limit, turn):
    """Every lane computes the same from the same rows."""
    lanes = {name: {0, 1} for name in claims}
    turned = dict(reversed(claims.items()))

    assert shares(limit, lanes, turn, claims) == shares(limit, dict(reversed(lanes.items())), turn, turned)


def test_earliest_deadline_comes_first():
    """Of two at risk the later one keeps its floor."""
    claims = {"a": Claim(due=NOW + timedelta(hours=2)), "b": Claim(due=NOW + timedelta(hours=1)), "c": Claim()}

    assert {name: Fraction(part).limit_denominator(99) for name, part in parts(claims).parts.items()} == {
        "a": Fraction(1, 24),
        "b": Fraction(22, 24),
        "c": Fraction(1, 24),
    }


@given(claims=CLAIMS, lanes=st.lists(st.integers(1, 5), min_size=8, max_size=8), limit=st.integers(1, 2000))
def test_shares_sum_to_the_limit_whatever_is_at_risk(claims, lanes, limit):
    """Never more than the limit, nothing unused, and projects have what they would without deadlines."""
    lanes = {name: set(range(count)) for name, count in zip(sorted(claims), lanes, strict=False)}
    found, usual = shares(limit, lanes, 7, claims), shares(limit, lanes, 7, without_deadlines(claims))
    before, after = (by_project(claims, by_batch(each.slots)) for each in (usual, found))

    assert sum(found.slots.values()) == limit
    if min(found.parts.values()) * limit >= 1 and len(found.parts) == len(claims):  # Else they take turns.
        assert all(abs(before[project] - after[project]) <= 1 for project in before)


@given(claims=CLAIMS, limit=st.integers(1, 8), first=st.integers(0, 10**6))
def test_none_starves_where_turns_are_taken(claims, limit, first):
    """Within three times as many turns as its part makes it wait, each batch has had one, whatever is at risk."""
    lanes, least = {name: {0} for name in claims}, min(parts(claims).parts.values())
    turns = range(first, first + math.ceil(3 / (limit * least)))

    assert {name for turn in turns for name in shares(limit, lanes, turn, claims).parts} == set(claims)


def pace(done, left, elapsed, remaining, standing=0.0):
    return Pace(done=done, left=left, elapsed_seconds=elapsed, remaining_seconds=remaining, slice_seconds=standing)


def test_at_risk_is_what_would_take_three_quarters_of_the_time_left():
    """At its mean rate, up to a 16th of its time before the deadline; without a rate once a 32nd of the rest passed."""
    assert not is_at_risk(pace(100, 65, 100.0, 100.0))
    assert is_at_risk(pace(100, 66, 100.0, 100.0))
    assert not is_at_risk(pace(0, 10, 100.0, 3300.0))
    assert is_at_risk(pace(0, 10, 100.0, 3200.0))


def test_the_time_for_which_a_verdict_stands_is_not_counted_on():
    """Of 100 s left, 40 s pass before anybody looks again."""
    assert not is_at_risk(pace(100, 45, 100.0, 100.0, standing=40.0))
    assert is_at_risk(pace(100, 46, 100.0, 100.0, standing=40.0))


def test_without_deadline_or_lines_nothing_is_at_risk():
    """Nor is what has passed its deadline: it ends."""
    assert not is_at_risk(pace(0, 10, 100.0, None))
    assert not is_at_risk(pace(0, 0, 100.0, 10.0))
    assert not is_at_risk(pace(0, 10, 100.0, 0.0))


def simulated(batches, *, by_deadline=True, slice_seconds=240.0, until=math.inf):
    """Seconds until each batch has ended, of `batches`: name -> (lines, window); None: missed its deadline.

    The deployment does LIMIT lines a TICK, as many as it has slots; a batch has its slots' worth. Each looks once a
    slice, not all at the same moment.
    """
    left, ends, claims, seconds = {name: float(lines) for name, (lines, _) in batches.items()}, {}, {}, 0.0
    while left and seconds < until:
        for number, name in enumerate(left):
            if name not in claims or (seconds + number * TICK) % slice_seconds < TICK:
                claims[name] = claim_of(batches[name], left[name], seconds, slice_seconds)
        asked = {name: claims[name] for name in left}
        found = parts(asked if by_deadline else without_deadlines(asked), LIMIT)
        seconds += TICK
        for name in list(left):
            left[name] -= found.of(name, 0)
            if left[name] <= 0 or seconds >= batches[name][1]:
                ends[name] = seconds if left.pop(name) <= 0 else None
    return ends


def claim_of(batch, left, seconds, slice_seconds):
    lines, window = batch
    at_risk = is_at_risk(pace(lines - left, left, seconds, window - seconds, slice_seconds))
    return Claim(due=NOW + timedelta(seconds=window) if at_risk else None)


TEN_DAYS = {f"day{number}": (LIMIT * 120, 24 * HOUR) for number in range(10)}


@settings(max_examples=25)
@given(percent=st.integers(1, 82), slice_seconds=st.sampled_from([60.0, 120.0, 240.0]))
def test_one_hour_beside_ten_days(percent, slice_seconds):
    """In time wherever it can be: beside the floor of the others, and a slice until it is seen, there is room for 82 %."""
    batches = {"hour": (LIMIT * 60 * percent // 100, HOUR)} | TEN_DAYS

    assert simulated(batches, slice_seconds=slice_seconds, until=HOUR)["hour"] is not None


def test_the_days_are_in_time_too():
    """Ten of 24 h that need five sixths of it, beside one that needs three quarters of its hour; which else is late."""
    batches = {"hour": (LIMIT * 45, HOUR)} | TEN_DAYS

    assert simulated(batches, by_deadline=False, until=HOUR)["hour"] is None
    assert None not in simulated(batches).values()


def test_three_windows_end_in_the_order_of_their_deadlines():
    """1 h, 24 h and 7 d, each of which alone would be late beside the others at equal parts."""
    batches = {"hour": (LIMIT * 40, HOUR), "day": (LIMIT * 900, 24 * HOUR), "week": (LIMIT * 3000, 168 * HOUR)}
    found = simulated(batches)

    assert found["hour"] < found["day"] < found["week"]
