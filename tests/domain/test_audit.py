"""Which audit events a filter wants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.azure.names import month, newest_first
from shared.azure.table_audit_log import _one_of
from shared.domain.ids import new_id
from shared.domain.keys.audit import AuditFilter

START = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = st.integers(0, 2_900_000).map(lambda days: START + timedelta(days=days))
TIMES = st.builds(
    lambda day, microseconds: day + timedelta(microseconds=microseconds), DAYS, st.integers(0, 86_399_999_999)
)


@given(TIMES, TIMES, st.binary(min_size=10, max_size=10))
def test_a_span_is_what_the_times_say(at: datetime, bound: datetime, randomness: bytes) -> None:
    """An id lies in it exactly if it was made at `since` or later, or before `until`, to the millisecond."""
    made = new_id(at, randomness)
    is_later = int(at.timestamp() * 1000) >= int(bound.timestamp() * 1000)
    since, until = (AuditFilter(**{name: bound}).span(None, None) for name in ("since", "until"))

    assert since is not None
    assert until is not None
    assert (since[0] < made < since[1]) is is_later
    assert (until[0] < made < until[1]) is not is_later


@given(TIMES, TIMES, st.binary(min_size=10, max_size=10))
def test_months_sort_as_ids_do(one: datetime, other: datetime, randomness: bytes) -> None:
    """The table's order, by month and then by id, is newest first."""
    ids = [new_id(at, randomness) for at in (one, other)]

    assert sorted(ids, key=lambda each: (month(each), newest_first(each))) == sorted(ids, reverse=True)


@pytest.mark.parametrize("position", ["", "x", "audit_0", "0" * 31, "G" * 32])
def test_no_id_is_no_position(position: str) -> None:
    """In either direction."""
    assert AuditFilter().span(position, None) is None
    assert AuditFilter().span(None, position) is None


@given(st.tuples(*[st.integers(0, 16)] * 4))
def test_no_query_has_more_comparisons_than_the_service_takes(counts: tuple[int, int, int, int]) -> None:
    """Fifteen, four of them the bounds of the span; the emulator takes any number. What fits is not left out."""
    names = ("types", "project_ids", "actor_ids", "resource_ids")
    wanted = AuditFilter(**{name: [str(n) for n in range(count)] for name, count in zip(names, counts, strict=True)})
    asked = sum(map(len, _one_of(wanted).values()))

    assert asked + 4 <= 15
    assert asked == sum(counts) or asked + sum(counts) > 11
