"""The ledger: what each sealed chunk used, and rollups, the sums of it that reports read.

Rule of this file: a row follows from a sealed chunk, a rollup from rows, and both are absolute. Written again they are
the same; nothing is ever added to a stored number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.usage.usage import Usage
from shared.domain.usage.usage import total as total_usage


class Width(StrEnum):
    """How long a bucket of time is, in OpenAI's words."""

    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]


_LENGTHS = {
    Width.MINUTE: timedelta(minutes=1),
    Width.HOUR: timedelta(hours=1),
    Width.DAY: timedelta(days=1),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def start_of(at: datetime, width: Width) -> datetime:
    """When the bucket began, in UTC, that `at` is in."""
    return at.astimezone(UTC) - (at - _EPOCH) % width.length


class Charge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What so many of one kind of token cost, or so many images; `picos` as in `usage/money`."""

    currency: str
    item: str
    quantity: int = 0
    picos: int = 0


class Amounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`completed` requests are in an output file, `failed` ones ran and are in an error file.

    `charges` has one for each currency and item; none where the deployment had no price.
    """

    completed: int = 0
    failed: int = 0
    usage: Usage = Usage()
    charges: tuple[Charge, ...] = ()


def total(amounts: Sequence[Amounts]) -> Amounts:
    return Amounts(
        completed=sum(each.completed for each in amounts),
        failed=sum(each.failed for each in amounts),
        usage=total_usage([each.usage for each in amounts]),
        charges=total_charges(charge for each in amounts for charge in each.charges),
    )


def total_charges(charges: Iterable[Charge]) -> tuple[Charge, ...]:
    """One for each currency and item, in order."""
    found: defaultdict[tuple[str, str], list[Charge]] = defaultdict(list)
    for charge in charges:
        found[charge.currency, charge.item].append(charge)
    return tuple(
        Charge(
            currency=currency,
            item=item,
            quantity=sum(charge.quantity for charge in alike),
            picos=sum(charge.picos for charge in alike),
        )
        for (currency, item), alike in sorted(found.items())
    )


class Tally(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went to one endpoint of one deployment in the name of one key; the bootstrap key's has no id."""

    model: str
    endpoint: str
    key_id: str | None = None
    amounts: Amounts = Amounts()


def summed(tallies: Iterable[Tally]) -> tuple[Tally, ...]:
    """One for each key, model and endpoint, in an order that does not depend on theirs."""
    found: defaultdict[tuple[str, str, str], list[Tally]] = defaultdict(list)
    for tally in tallies:
        found[tally.model, tally.endpoint, tally.key_id or ""].append(tally)
    return tuple(
        msgspec.structs.replace(alike[0], amounts=total([tally.amounts for tally in alike]))
        for _, alike in sorted(found.items())
    )


class LedgerHour(msgspec.Struct, frozen=True, order=True):
    """One hour, in UTC, of one project: what rows are kept and summed by."""

    start: datetime
    project: str


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one chunk of a batch used. When that was, is when it was sealed: from then on it does not change."""

    project: str
    batch_id: str
    chunk: int
    sealed_at: datetime
    tally: Tally

    @property
    def hour(self) -> LedgerHour:
        return LedgerHour(start_of(self.sealed_at, Width.HOUR), self.project)


class Rollup(msgspec.Struct, frozen=True, kw_only=True):
    """All that a project used in the bucket of time that begins at `start`."""

    project: str
    width: Width
    start: datetime
    tallies: tuple[Tally, ...]
