"""Six-field NCRONTAB."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_host.app.schedule import next_after

AT = datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=UTC)  # A Wednesday.


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-03-04T05:06:08"),
        ("*/5 * * * * *", "2026-03-04T05:06:10"),
        ("7 6 5 * * *", "2026-03-05T05:06:07"),
        ("8 6 5 * * *", "2026-03-04T05:06:08"),
        ("0 */5 * * * *", "2026-03-04T05:10:00"),
        ("0 0 * * * *", "2026-03-04T06:00:00"),
        ("0 0 */2 * * *", "2026-03-04T06:00:00"),
        ("0 0 9-17 * * *", "2026-03-04T09:00:00"),
        ("0 30 9 * * 1-5", "2026-03-04T09:30:00"),
        ("0 30 9 * Jan Mon", "2027-01-04T09:30:00"),
        ("0 0 0 * * 0", "2026-03-08T00:00:00"),
        ("0 0 0 1 * *", "2026-04-01T00:00:00"),
        ("0 0 0 29 feb *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * FRI", "2026-03-13T00:00:00"),
        ("0 5/15 * * * *", "2026-03-04T05:20:00"),
        ("0 1,3,50-59/4 * * * *", "2026-03-04T05:50:00"),
    ],
)
def test_next_after_finds_the_first_match_past_the_moment(expression: str, expected: str) -> None:
    """The occurrence is the first one strictly later, both day fields satisfied."""
    assert next_after(expression, AT) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "six fields"),
        ("60 * * * * *", "between 0 and 59"),
        ("* * * 0 * *", "between 1 and 31"),
        ("* * * * * 7", "between 0 and 6"),
        ("x * * * * *", "not a number"),
        ("* * * * foo *", "one of jan"),
        ("*/0 * * * * *", "at least 1"),
        ("9-5 * * * * *", "backwards"),
        ("1,, * * * * *", "''"),
        ("0 0 0 30 2 *", "never occurs"),
        ("00:05:00", "six fields"),
    ],
)
def test_a_malformed_expression_is_refused_with_its_reason(expression: str, words: str) -> None:
    """The message quotes the expression and says what is wrong with which field."""
    with pytest.raises(ValueError) as raised:
        next_after(expression, AT)
    assert expression in str(raised.value)
    assert words in str(raised.value)


def _field(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    values = st.frozensets(st.integers(low, high), min_size=1, max_size=3)
    listed = values.map(lambda chosen: (",".join(map(str, chosen)), chosen))
    every = st.just(("*", frozenset(range(low, high + 1))))
    stepped = st.integers(1, 20).map(lambda step: (f"*/{step}", frozenset(range(low, high + 1, step))))
    return st.one_of(every, listed, stepped)


MILLISECONDS = st.integers(0, 40 * 365 * 86400 * 1000)
MOMENTS = MILLISECONDS.map(lambda passed: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=passed))


@given(at=MOMENTS, second=_field(0, 59), minute=_field(0, 59), hour=_field(0, 23), weekday=_field(0, 6))
def test_what_is_found_matches_every_field_and_nothing_earlier_does(at, second, minute, hour, weekday) -> None:
    """The result satisfies every field; asking from one second before it finds it again, so none lies between."""
    expression = f"{second[0]} {minute[0]} {hour[0]} * * {weekday[0]}"
    found = next_after(expression, at)
    assert found > at
    matches = (found.second, found.minute, found.hour, found.isoweekday() % 7)
    assert all(value in field[1] for value, field in zip(matches, (second, minute, hour, weekday), strict=True))
    between = at + (found - at) / 2
    assert between >= found or next_after(expression, between) == found


@given(at=MOMENTS, second=_field(0, 59), minute=_field(0, 59))
def test_no_earlier_moment_of_the_hour_matches(at, second, minute) -> None:
    """A search by brute force, second by second, finds the same occurrence."""
    found = next_after(f"{second[0]} {minute[0]} * * * *", at)
    step = at.replace(microsecond=0) + timedelta(seconds=1)
    while not (step.second in second[1] and step.minute in minute[1]):
        step += timedelta(seconds=1)
    assert found == step
