"""What batches have reserved and spent, as accounts: for each day an amount for each batch, and their sum."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import msgspec


class LimitReached(Exception):
    """The amount would take the day's balance past what was allowed; `balance` is without it."""

    def __init__(self, balance: int) -> None:
        super().__init__(f"The balance is {balance}.")
        self.balance = balance


class Amount(msgspec.Struct, frozen=True):
    """What a batch has in an account on a day, by the newest `step` that was told of it."""

    amount: int
    step: int


class SpendingStore(Protocol):
    """Accounts, named by whom they are of. A day that nobody wrote to has a balance of 0.

    A balance is the sum of the amounts at any moment: both change in one step. Amounts are absolute, so an operation
    that is repeated after a crash, or comes late, changes nothing.
    """

    async def put(
        self, account: str, day: date, batch_id: str, amount: Amount, *, most: int | None = None
    ) -> tuple[Amount, int]:
        """Make this the batch's amount, unless it already is at this step or a later one.

        Returns the amount that is there then, and the day's balance. Raises LimitReached, and changes nothing, if that
        raises the balance past `most`.
        """
        ...

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        """Of all days from `first` to `last` that were written to."""
        ...

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        """By batch, everything that the day's balance is the sum of: for checks, not for calls."""
        ...
