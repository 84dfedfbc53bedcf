"""When the next window of a spend limit begins."""

from __future__ import annotations

from datetime import date

import pytest

from shared.domain.usage.spend_limit import Interval, next_window


@pytest.mark.parametrize(
    ("interval", "today", "expected"),
    [
        (Interval.DAY, date(2026, 2, 28), date(2026, 3, 1)),
        (Interval.WEEK, date(2026, 11, 29), date(2026, 11, 30)),
        (Interval.WEEK, date(2026, 11, 30), date(2026, 12, 7)),
        (Interval.MONTH, date(2026, 1, 31), date(2026, 2, 1)),
        (Interval.MONTH, date(2026, 12, 1), date(2027, 1, 1)),
        (Interval.TOTAL, date(2026, 1, 1), None),
    ],
)
def test_the_next_window(interval: Interval, today: date, expected: date | None) -> None:
    """The calendar is UTC's; what has no end has no next."""
    assert next_window(interval, today) == expected
