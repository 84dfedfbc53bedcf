import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.pace.retry import RetryPolicy, next_delay, retry_after

POLICY = RetryPolicy(max_attempts=5, first_seconds=0.5, max_seconds=30.0)
JITTER = st.floats(0, 1, exclude_max=True)
POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 10_000),
    first_seconds=st.floats(0.001, 10),
    max_seconds=st.floats(0.001, 600),
)


def delay(attempt=1, after=None, jitter=0.999, remaining=None, policy=POLICY):
    return next_delay(policy, attempt=attempt, after_seconds=after, jitter=jitter, remaining_seconds=remaining)


def test_doubles_up_to_the_maximum():
    """Without jitter's luck the delays double from the first to the longest back-off."""
    patient = RetryPolicy(max_attempts=20, first_seconds=0.5, max_seconds=30.0)

    assert [0.5, 1, 2, 4, 8, 16, 30, 30] == [
        pytest.approx(delay(attempt, policy=patient), rel=0.01) for attempt in range(1, 9)
    ]


def test_gives_up_after_the_last_attempt():
    """The last allowed call is not followed by another."""
    assert delay(4) is not None
    assert delay(5) is None


def test_gives_up_when_the_deadline_comes_first():
    """A delay that would reach the deadline is not begun."""
    assert delay(1, jitter=0.5, remaining=0.26) == 0.25
    assert delay(1, jitter=0.5, remaining=0.25) is None
    assert delay(1, jitter=0.0, remaining=-1.0) is None


@given(
    policy=POLICIES,
    attempt=st.integers(1, 20_000),
    after=st.none() | st.floats(0, 3600),
    jitter=JITTER,
    remaining=st.none() | st.floats(-10, 1e6),
)
def test_bounds(policy, attempt, after, jitter, remaining):
    """Every delay is at least what the upstream asked for, at most that and the longest back-off, and before the end."""
    seconds = delay(attempt, after, jitter, remaining, policy)

    if seconds is None:
        assert attempt >= policy.max_attempts or remaining is not None
    else:
        assert attempt < policy.max_attempts
        assert (after or 0) <= seconds <= (after or 0) + policy.max_seconds
        assert remaining is None or seconds < remaining


@given(policy=POLICIES, attempt=st.integers(1, 3000), jitters=st.tuples(JITTER, JITTER), after=st.floats(0, 100))
def test_monotone(policy, attempt, jitters, after):
    """A later attempt, a larger jitter and a longer Retry-After never make the delay shorter."""
    low, high = sorted(jitters)
    policy = RetryPolicy(max_attempts=10_000, first_seconds=policy.first_seconds, max_seconds=policy.max_seconds)

    base = delay(attempt, after, low, policy=policy)
    assert base <= delay(attempt + 1, after, low, policy=policy)
    assert base <= delay(attempt, after, high, policy=policy)
    assert base <= delay(attempt, after + 1, low, policy=policy)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "99999999999999999999"}, 3600.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "in a while"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 9026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 3600.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, None),
        ({"retry-after": "Wed, 99 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "yesterday"}, None),
        ({"retry-after": f"Wed, 21 Oct {'9' * 20} 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_retry_after(headers, seconds):
    """Seconds, milliseconds and HTTP dates are read, the absurd is clamped, the unreadable ignored."""
    assert retry_after(headers) == seconds


@given(text=st.text(), date=st.text())
def test_retry_after_takes_anything(text, date):
    """No header text makes the reader fail or leave its bounds."""
    seconds = retry_after({"retry-after": text, "retry-after-ms": date, "date": date})

    assert seconds is None or 0.0 <= seconds <= 3600.0
