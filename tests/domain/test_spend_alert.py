"""Spend alerts: which windows are looked at, when one is reached, what is kept of that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from shared.domain.keys.new_spend_alert import AskedAlert, altered
from shared.domain.usage.spend_alert import LOOK_BACK, SpendAlert, reached, told, untold_windows
from shared.domain.usage.spend_limit import FIRST_DAY, PICOS_PER_CENT, Interval, SpendLimit

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def alert(interval: Interval = Interval.MONTH, since: date = MAY, **changes: object) -> SpendAlert:
    made = SpendAlert(id="a" * 32, currency="USD", interval=interval, threshold_amount=100, since=since)
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    ("interval", "today", "windows"),
    [
        (Interval.DAY, date(2026, 5, 20), [date(2026, 5, day) for day in range(13, 21)]),
        (Interval.WEEK, date(2026, 5, 20), [date(2026, 5, 11), date(2026, 5, 18)]),
        (Interval.MONTH, date(2026, 5, 20), [MAY]),
        (Interval.MONTH, date(2026, 6, 3), [MAY, JUNE]),
        (Interval.MONTH, date(2026, 6, 8), [JUNE]),
        (Interval.TOTAL, date(2026, 5, 20), [FIRST_DAY]),
    ],
)
def test_a_window_is_looked_at_for_a_week_after_its_end(interval: Interval, today: date, windows: list[date]) -> None:
    """What was spent just before a month turns is told although the timer comes in the next one."""
    assert untold_windows(alert(interval), today) == windows


def test_what_was_before_the_alert_is_not_told() -> None:
    """Of the windows that had ended; the one that was running when it was made is looked at as a whole."""
    assert untold_windows(alert(since=JUNE), date(2026, 6, 3)) == [JUNE]
    assert untold_windows(alert(since=date(2026, 5, 30)), date(2026, 6, 3)) == [MAY, JUNE]


def test_a_clock_that_is_behind_finds_nothing_to_tell() -> None:
    """Another instance has made the alert after midnight, this one is a minute before it."""
    assert untold_windows(alert(since=JUNE), date(2026, 5, 31)) == []


def test_it_is_reached_by_what_is_in_the_window_alone() -> None:
    """From the amount itself on."""
    balances = {date(2026, 5, 30): 60 * PICOS_PER_CENT, date(2026, 5, 31): 39 * PICOS_PER_CENT, JUNE: PICOS_PER_CENT}

    assert reached(alert(), [MAY, JUNE], balances) == []
    assert reached(alert(), [MAY, JUNE], {**balances, MAY: PICOS_PER_CENT}) == [MAY]
    assert reached(alert(Interval.TOTAL), [FIRST_DAY], balances) == [FIRST_DAY]


def test_each_window_is_told_once_in_whichever_order() -> None:
    """The one before may be told after the newer one."""
    after = told(told([alert()], alert(), JUNE), alert(), MAY)

    assert [each.told_for for each in after] == [(MAY, JUNE)]
    assert untold_windows(after[0], date(2026, 6, 3)) == []
    assert told(after, alert(), MAY) == after


def test_what_is_kept_does_not_grow() -> None:
    """After a year of days that were told, there are the newest, of which none is looked at again."""
    one = alert(Interval.DAY)
    for passed in range(365):
        (one,) = told([one], one, MAY + timedelta(days=passed))
    today = MAY + timedelta(days=364)

    assert len(one.told_for) < 2 * LOOK_BACK.days
    assert untold_windows(one, today) == []


def test_one_that_was_changed_meanwhile_is_not_marked() -> None:
    """What was told is another amount's."""
    changed = [alert(threshold_amount=200)]
    assert told(changed, alert(), MAY) == tuple(changed)
    assert told([], alert(), MAY) == ()


def test_the_event_is_of_what_was_told() -> None:
    """The same however often; another one of another window, and of another amount."""
    first = alert().event_id(MAY)

    assert alert(since=JUNE, told_for=(MAY,), recipients=("a@b",)).event_id(MAY) == first
    others = [alert().event_id(JUNE), *(alert(**each).event_id(MAY) for each in OTHERS)]
    assert len({first, *others}) == len(others) + 1


OTHERS = [{"threshold_amount": 101}, {"currency": "EUR"}, {"interval": Interval.TOTAL}, {"id": "b" * 32}]


def test_another_amount_is_told_anew_and_another_recipient_is_not() -> None:
    """An alert that is raised while it is reached rings again at the new amount."""
    at = datetime(2026, 6, 3, tzinfo=UTC)
    was = [alert(told_for=(MAY,)), alert(id="b" * 32)]

    def asked(cents: int) -> AskedAlert:
        limit = SpendLimit(currency="USD", interval=Interval.MONTH, threshold_amount=cents)
        return AskedAlert(limit=limit, recipients=("ada@example.com",), subject_prefix=None)

    same, other = altered(was, was[0].id, asked(100), at)
    assert (same.told_for, same.since, same.recipients, other) == ((MAY,), MAY, ("ada@example.com",), was[1])
    raised, _ = altered(was, was[0].id, asked(200), at)
    assert (raised.told_for, raised.since, raised.threshold_amount) == ((), at.date(), 200)
