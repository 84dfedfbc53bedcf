"""When a timer fires: six-field NCRONTAB expressions. Pure; times are UTC.

`{second} {minute} {hour} {day} {month} {day of week}`; each field is `*`, a value, a range `a-b`, either with a step
`/n`, or a comma-separated list of those. Months and days of the week may be three-letter English names; Sunday is 0.
A day must satisfy both its day of the month and its day of the week (not either, as in Unix cron). Source: the
Azure Functions timer trigger reference, which takes its rules from the NCrontab library.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# 29 February on a given day of the week comes back within 40 years, the century gap included.
_HORIZON_DAYS = 40 * 366 + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field(name="second", first=0, last=59),
    _Field(name="minute", first=0, last=59),
    _Field(name="hour", first=0, last=23),
    _Field(name="day", first=1, last=31),
    _Field(name="month", first=1, last=12, names=_MONTHS),
    _Field(name="day of week", first=0, last=6, names=_WEEKDAYS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schedule:
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def has_day(self, day: date) -> bool:
        return day.day in self.days and day.month in self.months and day.isoweekday() % 7 in self.weekdays

    def first_time(self, start: time) -> time | None:
        """The first matching time of a day at or after `start`."""
        for hour in (hour for hour in self.hours if hour >= start.hour):
            minutes = (
                self.minutes if hour > start.hour else [minute for minute in self.minutes if minute >= start.minute]
            )
            for minute in minutes:
                later = hour > start.hour or minute > start.minute
                for second in self.seconds:
                    if later or second >= start.second:
                        return time(hour, minute, second)
        return None


def next_after(expression: str, at: datetime) -> datetime:
    """The first occurrence strictly later than `at`, at a whole second.

    Raises ValueError if the expression is malformed or never occurs.
    """
    schedule = _parse(expression)
    earliest = at.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    day, start = earliest.date(), earliest.time()
    for _ in range(_HORIZON_DAYS):
        found = schedule.first_time(start) if schedule.has_day(day) else None
        if found is not None:
            return datetime.combine(day, found, tzinfo=UTC)
        day, start = day + timedelta(days=1), time()
    raise ValueError(f"schedule {expression!r} never occurs: no such day in the calendar")


@lru_cache(maxsize=64)
def _parse(expression: str) -> _Schedule:
    parts = expression.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(
            f"schedule {expression!r}: expected six fields, second minute hour day month day-of-week, "
            f"such as '0 */5 * * * *'; got {len(parts)}"
        )
    values = [_values(part, field, expression) for part, field in zip(parts, _FIELDS, strict=True)]
    seconds, minutes, hours = (tuple(sorted(chosen)) for chosen in values[:3])
    days, months, weekdays = (frozenset(chosen) for chosen in values[3:])
    return _Schedule(seconds=seconds, minutes=minutes, hours=hours, days=days, months=months, weekdays=weekdays)


def _values(text: str, field: _Field, expression: str) -> set[int]:
    try:
        return {value for item in text.split(",") for value in _item(item, field)}
    except ValueError as error:
        raise ValueError(f"schedule {expression!r}: {field.name} {text!r}: {error}") from None


def _item(text: str, field: _Field) -> range:
    span, slash, step_text = text.partition("/")
    step = _number(step_text, field) if slash else 1
    if step < 1:
        raise ValueError("a step must be at least 1")
    low, dash, high = span.partition("-")
    if span == "*":
        return range(field.first, field.last + 1, step)
    first = _value(low, field)
    last = _value(high, field) if dash else (field.last if slash else first)
    if last < first:
        raise ValueError(f"the range {span!r} runs backwards; write it as two")
    return range(first, last + 1, step)


def _value(text: str, field: _Field) -> int:
    name = text.lower()
    value = field.names.index(name) + field.first if name in field.names else _number(text, field)
    if not field.first <= value <= field.last:
        raise ValueError(f"{text!r} is not between {field.first} and {field.last}")
    return value


def _number(text: str, field: _Field) -> int:
    if not (text.isascii() and text.isdigit()):
        allowed = f"a number, or one of {', '.join(field.names)}" if field.names else "a number"
        raise ValueError(f"{text!r} is not {allowed}")
    return int(text)
