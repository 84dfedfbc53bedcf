"""What a report of usage between two dates is asked for (contract 9.4), read from a body. Pure.

Rule of this file: a field that nobody knows is refused. Whoever misspells a filter would take everybody's use for one
department's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from shared.domain.errors import InvalidRequest
from shared.domain.keys.admin_fields import MAX_LABEL, check_known, models_in, text_in
from shared.domain.keys.used_by import UsedBy
from shared.domain.parameters import choice, missing, shortened, wrong_type
from shared.domain.usage.ledger import Width
from shared.domain.usage.report import Span

ALL: Final = "all"  # As the value of a filter: it filters nothing.
FILTERS: Final = ("api_key_name", "project", "department")
NEEDED: Final = ("model_ids", "start_date", "end_date", "interval")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9998, 12, 31)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Interval(StrEnum):
    """How long the buckets are."""

    MINUTE = "per_minute"
    HOUR = "per_hour"
    DAY = "per_day"


# Its answer has no pages, so that it is bounded by its days: a row in each bucket for each key and model at most.
MOST_DAYS: Final = {Interval.MINUTE: 1, Interval.HOUR: 31, Interval.DAY: 366}
_WIDTHS: Final = {Interval.MINUTE: Width.MINUTE, Interval.HOUR: Width.HOUR, Interval.DAY: Width.DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedQuery:
    """Both days count, in UTC. None as `models` or as a filter: all of them."""

    first: date
    last: date
    interval: Interval
    models: frozenset[str] | None
    key_name: str | None
    project: str | None
    department: str | None

    @property
    def span(self) -> Span:
        """Its buckets."""
        first, last = (datetime.combine(day, time(), UTC) for day in (self.first, self.last))
        return Span(width=_WIDTHS[self.interval], first=first, until=last + timedelta(days=1))

    def takes(self, user: UsedBy) -> bool:
        return (
            self.key_name in (None, user.key_name)
            and self.department in (None, user.department)
            and (self.project is None or user.is_of_project(self.project))
        )


def parse_dated_query(fields: Mapping[str, Any]) -> DatedQuery:
    """Raises InvalidRequest."""
    check_known(fields, (*NEEDED, *FILTERS))
    for name in NEEDED:
        if fields.get(name) is None:
            raise missing(name)
    interval = choice("interval", fields["interval"], Interval)
    first, last = _date(fields, "start_date"), _date(fields, "end_date")
    _check_days(first, last, interval)
    key_name, project, department = (_filter(fields, name) for name in FILTERS)
    return DatedQuery(
        first=first,
        last=last,
        interval=interval,
        models=_models(fields),
        key_name=key_name,
        project=project,
        department=department,
    )


def _models(fields: Mapping[str, Any]) -> frozenset[str] | None:
    models = models_in(fields, "model_ids")
    return frozenset(models) if models and ALL not in models else None


def _filter(fields: Mapping[str, Any], name: str) -> str | None:
    text = text_in(fields, name, MAX_LABEL)
    return None if text == ALL else text


def _date(fields: Mapping[str, Any], name: str) -> date:
    text = fields[name]
    if not isinstance(text, str):
        raise wrong_type(name, "a string", text)
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not FIRST_DAY <= found <= LAST_DAY:
        raise InvalidRequest(
            f"Invalid '{name}': '{shortened(text)}' is no day. Write it as YYYY-MM-DD, such as 2026-11-30.",
            code="invalid_value",
            param=name,
        )
    return found


def _check_days(first: date, last: date, interval: Interval) -> None:
    days, most = (last - first).days + 1, MOST_DAYS[interval]
    if days < 1:
        raise _wrong_end("it must not be earlier than 'start_date'.")
    if days > most:
        raise _wrong_end(
            f"a report {interval} takes at most {most} days, and these are {days}. Ask for fewer days at a time, or "
            "for a longer interval."
        )


def _wrong_end(why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid 'end_date': {why}", code="invalid_value", param="end_date")
