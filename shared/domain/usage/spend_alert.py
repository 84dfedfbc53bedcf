"""Spend alerts: that somebody is to be told when so much is spent, or reserved, in a window. Pure.

Rule of this file: of what happened an alert keeps only for which windows it was told, by their first days. Whatever
else is needed to tell follows from the alert and that day, so that telling again is telling the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from shared.domain import ids
from shared.domain.usage.spend_limit import PICOS_PER_CENT, Interval, first_day, next_window

LOOK_BACK: Final = timedelta(days=7)  # So long after its end a window is looked at: what is spent may be told late.
_KEPT: Final = LOOK_BACK.days + 3  # More windows than are looked at, whichever clock looks.


_PREFIX: Final = "alert_"


class SpendAlert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`threshold_amount` is in hundredths of the currency's unit: cents. `since`: when it was last asked for.

    `recipients` and `subject_prefix` are an administrator's words: this service sends no mail.
    `told_for` has the first days of windows, the newest last.
    """

    id: str
    currency: str
    interval: Interval
    threshold_amount: int
    since: date
    recipients: tuple[str, ...] = ()
    subject_prefix: str | None = None
    told_for: tuple[date, ...] = ()

    @property
    def picos(self) -> int:
        return self.threshold_amount * PICOS_PER_CENT

    @property
    def terms(self) -> tuple[str, ...]:
        """What is told, if it is reached: another alert where these differ."""
        return (self.id, self.currency, self.interval.value, str(self.threshold_amount))

    def event_id(self, first: date) -> str:
        """Of its being reached in the window with that first day."""
        return ids.derived_id(datetime.combine(first, time(), UTC), *self.terms)


def spell_alert_id(canonical: str) -> str:
    """As callers see it."""
    return f"{_PREFIX}{canonical}"


def parse_alert_id(text: str) -> str | None:
    """The canonical id behind any spelling, or None."""
    return ids.parse(text, _PREFIX)


def untold_windows(alert: SpendAlert, today: date) -> list[date]:
    """First days, oldest first, of the windows that may have reached it without its having been told."""
    found: list[date] = []
    window: date | None = first_day(alert.interval, max(alert.since, today - LOOK_BACK))
    while window is not None and window <= today:
        found.append(window)
        window = next_window(alert.interval, window)
    return [first for first in found if first not in alert.told_for]


def reached(alert: SpendAlert, windows: Sequence[date], balances: Mapping[date, int]) -> list[date]:
    """Those of the windows in which it is reached; `balances` are those of all their days."""
    return [first for first in windows if _spent(alert.interval, first, balances) >= alert.picos]


def _spent(interval: Interval, first: date, balances: Mapping[date, int]) -> int:
    end = next_window(interval, first)
    return sum(amount for day, amount in balances.items() if first <= day and (end is None or day < end))


def told(alerts: Sequence[SpendAlert], alert: SpendAlert, first: date) -> tuple[SpendAlert, ...]:
    """The alerts when this one was told for that window; they stay as they are if it is another one by now."""
    return tuple(_told(each, first) if each.terms == alert.terms else each for each in alerts)


def _told(alert: SpendAlert, first: date) -> SpendAlert:
    return msgspec.structs.replace(alert, told_for=tuple(sorted({*alert.told_for, first}))[-_KEPT:])
