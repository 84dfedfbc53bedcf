"""Options and words that verbs of administration share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import click

from dbatch.console import money

DAY = 86_400
INTERVALS = ("day", "week", "month", "total")
PROJECT = click.argument("project", metavar="PROJECT")
NAMES_LIMIT = "AMOUNT CURRENCY INTERVAL, such as 250 USD month"


def listed(_: click.Context, __: click.Parameter, given: str | None) -> list[str] | None:
    """`a,b`; nothing of what was not given."""
    return None if given is None else [each.strip() for each in given.split(",") if each.strip()]


def limit_of(words: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a spend limit. Raises click's UsageError."""
    if len(words) != 3:
        raise click.UsageError(f"A limit is {NAMES_LIMIT}.")
    amount, currency, interval = words
    try:
        cents = Decimal(amount) * 100
    except InvalidOperation:
        raise click.UsageError(f"{amount!r} is no amount; write it as 250 or 99.50.") from None
    if not cents.is_finite() or cents != cents.to_integral_value() or cents < 0:
        raise click.UsageError(f"{amount!r} is no amount of whole cents.")
    if interval not in INTERVALS:
        raise click.UsageError(f"{interval!r} is none of {', '.join(INTERVALS)}.")
    return {"currency": currency.upper(), "interval": interval, "threshold_amount": int(cents)}


def words_of(found: Mapping[str, Any] | None) -> str:
    if not found:
        return "without limit"
    interval = "in all" if found["interval"] == "total" else f"a {found['interval']}"
    stops = ", which also stops batches that run" if found.get("stops_batches") else ""
    return f"{money(Decimal(found['threshold_amount']) / 100, found['currency'])} {interval}{stops}"


def day(at: int | None) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat() if at else "never"


def given(**fields: Any) -> dict[str, Any]:
    """Those that say something: a field that nobody asked for is not sent."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, ())}
