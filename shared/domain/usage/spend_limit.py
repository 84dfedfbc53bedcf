"""Spend limits: how much may be spent in a day, week or month of the UTC calendar, or ever.

Rule of this file: a window follows from the clock. None is stored, so a limit may change at any moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

import msgspec

PICOS_PER_CENT: Final = 10**10
FIRST_DAY: Final = date(2000, 1, 1)


class Interval(StrEnum):
    """OpenAI knows `month`."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class SpendLimit(msgspec.Struct, frozen=True, kw_only=True):
    """`threshold_amount` is in hundredths of the currency's unit: cents.

    `stops_batches`: whether those that run begin no new line once it is reached; None: as the service is set.
    """

    currency: str
    interval: Interval
    threshold_amount: int
    stops_batches: bool | None = None

    @property
    def picos(self) -> int:
        return self.threshold_amount * PICOS_PER_CENT

    def left(self, balances: Mapping[date, int], of: date) -> int:
        """Picos that the balance of that day may still grow to; `balances` are those of its window's days."""
        first = first_day(self.interval, of)
        return self.picos - sum(amount for day, amount in balances.items() if first <= day != of)


def first_day(interval: Interval, today: date) -> date:
    """Of the window that `today` is in."""
    match interval:
        case Interval.DAY:
            return today
        case Interval.WEEK:
            return today - timedelta(days=today.weekday())
        case Interval.MONTH:
            return today.replace(day=1)
        case Interval.TOTAL:
            return FIRST_DAY


def next_window(interval: Interval, today: date) -> date | None:
    """The first day of the window after the one that `today` is in; None where there is no other."""
    first = first_day(interval, today)
    match interval:
        case Interval.DAY:
            return first + timedelta(days=1)
        case Interval.WEEK:
            return first + timedelta(days=7)
        case Interval.MONTH:
            return (first + timedelta(days=31)).replace(day=1)
        case Interval.TOTAL:
            return None
