"""Windows of spend limits, and what is left in them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.usage.spend_limit import PICOS_PER_CENT, Interval, SpendLimit, first_day


@pytest.mark.parametrize(
    ("interval", "today", "first"),
    [
        (Interval.DAY, date(2026, 11, 27), date(2026, 11, 27)),
        (Interval.WEEK, date(2026, 11, 27), date(2026, 11, 23)),  # A Friday; weeks begin on Monday.
        (Interval.WEEK, date(2027, 1, 1), date(2026, 12, 28)),
        (Interval.MONTH, date(2026, 11, 30), date(2026, 11, 1)),
        (Interval.TOTAL, date(2026, 11, 27), date(2000, 1, 1)),
    ],
)
def test_windows(interval: Interval, today: date, first: date) -> None:
    """Of the UTC calendar."""
    assert first_day(interval, today) == first


@given(
    interval=st.sampled_from(Interval),
    today=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    amounts=st.dictionaries(st.integers(-40, 0), st.integers(0, 10**15)),
)
def test_what_is_left(interval: Interval, today: date, amounts: dict[int, int]) -> None:
    """The limit without what the other days of the window have; today's own balance is up to whoever writes it."""
    limit = SpendLimit(currency="USD", interval=interval, threshold_amount=12_34)
    balances = {today + timedelta(days=offset): amount for offset, amount in amounts.items()}
    spent = sum(amount for day, amount in balances.items() if day >= first_day(interval, today) and day != today)

    assert limit.left(balances, today) == 12_34 * PICOS_PER_CENT - spent
