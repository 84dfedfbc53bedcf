"""Conditions on batches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import Status
from shared.domain.batches.batch_filter import (
    ANY_TIME,
    AllOf,
    AnyOf,
    Condition,
    CreatedWithin,
    HasMetadata,
    HasStatus,
    created_range,
    matches,
)
from tests.contracts.samples import a_batch

FAILED, DONE = HasStatus(status=Status.FAILED), HasStatus(status=Status.COMPLETED)
BATCH = a_batch(status=Status.FAILED, metadata={"team": "red"}, created_at=datetime.fromtimestamp(100.9, UTC))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (FAILED, True),
        (DONE, False),
        (HasMetadata(key="team", value="red"), True),
        (HasMetadata(key="team", value="blue"), False),
        (HasMetadata(key="other", value="red"), False),
        (CreatedWithin(first=100, last=100), True),
        (CreatedWithin(first=101), False),
        (CreatedWithin(last=99), False),
        (AllOf(), True),
        (AllOf((FAILED, DONE)), False),
        (AnyOf((FAILED, DONE)), True),
        (AnyOf((AllOf((FAILED, DONE)), DONE)), False),
    ],
)
def test_matches(condition: Condition, expected: bool) -> None:
    """Each condition alone and together; times are the seconds that callers see."""
    assert matches(condition, BATCH) is expected


def test_a_batch_without_metadata_has_no_pair() -> None:
    """Null metadata matches nothing."""
    assert not matches(HasMetadata(key="team", value=""), a_batch(metadata=None))


def test_ranges() -> None:
    """`and` narrows, `or` spans, what is no time allows any."""
    early, late = CreatedWithin(first=1, last=10), CreatedWithin(first=20, last=30)

    assert created_range(AllOf((CreatedWithin(first=5), FAILED, early))) == CreatedWithin(first=5, last=10)
    assert created_range(AnyOf((early, late))) == CreatedWithin(first=1, last=30)
    assert created_range(AnyOf((early, FAILED))) == ANY_TIME
    assert created_range(AllOf((early, late))).is_empty


times = st.integers(0, 200)
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(
        st.builds(lambda a, b: CreatedWithin(first=a, last=b), times, times),
        st.sampled_from([FAILED, DONE, HasMetadata(key="team", value="red")]),
    ),
    lambda inner: st.one_of(
        st.builds(lambda parts: AllOf(tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda parts: AnyOf(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
    ),
)


@given(conditions, times)
def test_nothing_matches_outside_the_range(condition: Condition, second: int) -> None:
    """So a search may leave out what is not in it."""
    batch = a_batch(status=Status.FAILED, metadata={"team": "red"}, created_at=datetime.fromtimestamp(second, UTC))
    within = created_range(condition)

    assert not matches(condition, batch) or within.first <= second <= within.last
