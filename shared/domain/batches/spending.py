"""What a batch has in the accounts of those who pay for it: first what it is expected to cost, at last what it did.

Rule of this file: amounts follow from the record and the chunk rows alone, so they can be made again at any moment. A
later step knows of more sealed chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, timedelta
from typing import Final, NamedTuple

import msgspec

from shared.domain.batches.batch import Batch, BatchError
from shared.domain.batches.chunk import ChunkRow
from shared.domain.deployments.price import Price, cost_of
from shared.domain.keys.organization import ORGANIZATION
from shared.domain.usage.money import as_decimal
from shared.domain.usage.spend_limit import Interval, SpendLimit, first_day

RESERVED: Final = 0
UNDONE: Final = 1  # The reservation, where another account had no room for it.
_FIRST_SETTLED: Final = 2
_ENDED: Final = 1 << 30  # `LAST` of the accounts.
_AFTERWARDS: Final = timedelta(minutes=10)  # So long a lane may not know that its batch has stopped.

CODE: Final = "project_spend_limit_exceeded"  # OpenAI's.


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """An account that the batch's cost is counted in, and its limit if it has one. `name` is for messages.

    `is_shared`: other projects are counted there too, so nothing is said of how much.
    """

    account: str
    name: str
    limit: SpendLimit | None = None
    is_shared: bool = False

    def stops(self, *, by_setting: bool) -> bool:
        """Whether a batch that runs stops when the limit is reached; `by_setting`: where it does not say so itself."""
        if self.limit is None:
            return False
        return by_setting if self.limit.stops_batches is None else self.limit.stops_batches


def payers_of(
    batch: Batch,
    *,
    of_project: SpendLimit | None,
    of_models: Mapping[str, SpendLimit],
    of_key: SpendLimit | None,
    of_all: SpendLimit | None,
) -> tuple[Payer, ...]:
    """Of a batch with a price: its project, its model there, its key, and the organization.

    A limit in another currency is none.
    """
    currency = batch.price.currency if batch.price else ""
    model = batch.deployment or ""
    found = [
        (project_account(currency, batch.owner), "project", of_project),
        (model_account(currency, batch.owner, model), f"project for model '{model}'", of_models.get(model)),
    ]
    if batch.key_id:
        found.append((key_account(currency, batch.key_id), "API key", of_key))
    found.append((organization_account(currency), ORGANIZATION, of_all))
    return tuple(
        Payer(
            account=account,
            name=name,
            limit=limit if limit and limit.currency == currency else None,
            is_shared=name == ORGANIZATION,
        )
        for account, name, limit in found
    )


def organization_account(currency: str) -> str:
    return f"{currency}:{ORGANIZATION}"


def project_account(currency: str, project_id: str) -> str:
    return f"{currency}:project:{project_id}"


def model_account(currency: str, project_id: str, model: str) -> str:
    return f"{currency}:model:{project_id}:{model}"


def key_account(currency: str, key_id: str) -> str:
    return f"{currency}:key:{key_id}"


def reservation(batch: Batch) -> int:
    """Picos; an older version validated it without."""
    return (batch.expected_picos or 0) if batch.reserved_picos is None else batch.reserved_picos


def reservation_day(batch: Batch) -> date:
    """In UTC: when it passed validation."""
    return (batch.in_progress_at or batch.created_at).astimezone(UTC).date()


class Share(NamedTuple):
    """Picos of a batch on one day: spent, and reserved for what has not run."""

    spent: int
    reserved: int = 0


def spent_by_day(batch: Batch, price: Price, rows: Iterable[ChunkRow], *, ended: bool) -> tuple[dict[date, Share], int]:
    """What it has on each day in UTC, and the step.

    Sealed chunks count on the day they were sealed. What is expected of the rest stays where it was reserved, until the
    batch has `ended`: then it has nothing else on any day that it ran on.
    """
    sealed = [row for row in rows if row.sealed]
    first = reservation_day(batch)
    left = 0 if ended else batch.total - sum(row.finished for row in sealed)
    shares = dict.fromkeys(_days(batch, first) if ended else [first], Share(0))
    for row in sealed:
        day = row.sealed_at.astimezone(UTC).date() if row.sealed_at else first
        shares[day] = Share(shares.get(day, Share(0)).spent + cost_of(row.usage, price))
    reserved = reservation(batch) * left // max(1, batch.total)
    return shares | {first: Share(shares[first].spent, reserved)}, _ENDED if ended else _FIRST_SETTLED + len(sealed)


def _days(batch: Batch, first: date) -> list[date]:
    """All on which one of its lanes may have been at work."""
    last = (batch.stopped_at + _AFTERWARDS).astimezone(UTC).date()
    return [first + timedelta(days=days) for days in range(max(0, (last - first).days) + 1)]


def day_of_holding(batch: Batch, limit: SpendLimit, today: date) -> date:
    """On which day's balance it holds what it is about to spend: the one it has reserved on, while the window lasts."""
    return max(reservation_day(batch), first_day(limit.interval, today))


def limit_exceeded(payer: Payer, limit: SpendLimit, used: int, expected: int) -> BatchError:
    """`used` and `expected` are picos."""
    is_used = "" if payer.is_shared else f", of which {_money(used)} is spent or reserved"
    message = (
        f"The spend limit of this {payer.name} would be exceeded: {_money(limit.picos)} {limit.currency} "
        f"{_WINDOWS[limit.interval]}{is_used}; this batch is expected to "
        f"cost {_money(expected)}. Ask an administrator to raise the limit, or send the batch again in the next window."
    )
    return BatchError(code=CODE, message=message)


def limit_stops(name: str, limit: SpendLimit) -> BatchError:
    """The batch runs, and begins nothing more."""
    message = (
        f"The spend limit of this {name} was reached while the batch ran: {_money(limit.picos)} {limit.currency} "
        f"{_WINDOWS[limit.interval]}. What had been sent was finished and is kept; the other requests are in the error "
        "file. Ask an administrator to raise the limit, or wait for the next window; then retry the batch, which "
        "sends only what did not run."
    )
    return BatchError(code=CODE, message=message)


def limit_reached(name: str, limit: SpendLimit) -> str:
    """Nothing more can be begun."""
    return (
        f"The spend limit of this {name} is reached: {_money(limit.picos)} {limit.currency} "
        f"{_WINDOWS[limit.interval]}. Ask an administrator to raise it, or try again in the next window."
    )


_WINDOWS: Final = {
    Interval.DAY: "a day",
    Interval.WEEK: "a week",
    Interval.MONTH: "a month",
    Interval.TOTAL: "in all",
}


def _money(picos: int) -> str:
    """With two decimals, or as many as it takes to say more than zero."""
    amount = as_decimal(picos)
    return f"{amount:.2f}" if picos == 0 or abs(amount) >= 1 else f"{amount.normalize():f}"
