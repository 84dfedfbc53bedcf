"""What batches have reserved and spent, as accounts: for each day an amount for each batch, and their sum."""

from __future__ import annotations

from collections.abc import Container
from datetime import date
from typing import Final, NamedTuple, Protocol

import msgspec

LAST: Final = 1 << 30  # The step of an amount that nothing follows.


class LimitReached(Exception):
    """The amount would take the day's balance past what was allowed; `balance` is without it."""

    def __init__(self, balance: int) -> None:
        super().__init__(f"The balance is {balance}.")
        self.balance = balance


class Amount(msgspec.Struct, frozen=True):
    """What a batch has in an account on a day, by the newest `step` that was told of it.

    `amount` is spent, `reserved` beside it. What is held for chunks is first of the reserved, then counts itself.
    """

    amount: int
    step: int
    reserved: int = 0

    def counted(self, held: int) -> int:
        """In the day's balance."""
        return self.amount + max(self.reserved, held)


class Held(NamedTuple):
    """`picos` are held for a chunk, of which nobody else may spend any; `room` is left for others."""

    picos: int
    room: int


def grant(there: Amount, held: int, picos: int, *, own: int, others: int, most: int) -> Held:
    """What a chunk has when it asks for `picos` in place of its `own`: these, or what there is.

    `held` is what the batch holds for all of its chunks, `others` what other batches have in the day's balance.
    """
    room = most - others - there.amount - held
    more = min(picos - own, max(0, room), 0 if there.step >= LAST else picos)
    return Held(own + more, room - more)


class SpendingStore(Protocol):
    """Accounts, named by whom they are of. A day that nobody wrote to has a balance of 0.

    A balance is the sum of the amounts at any moment: both change in one step. Amounts are absolute, so an operation
    that is repeated after a crash, or comes late, changes nothing.
    """

    async def put(
        self,
        account: str,
        day: date,
        batch_id: str,
        amount: Amount,
        *,
        most: int | None = None,
        sealed: Container[int] = (),
    ) -> tuple[Amount, int]:
        """Make this the batch's amount, unless it already is at this step or a later one.

        Nothing is held any more for chunks that are `sealed`: the amount has them. Returns the amount that is there
        then, and the day's balance. Raises LimitReached, and changes nothing, if that raises the balance past `most`.
        """
        ...

    async def hold(self, account: str, day: date, batch_id: str, chunk: int, picos: int, *, most: int) -> Held:
        """Hold as much for an open chunk as it asks for, or what there is up to a balance of `most`.

        What the batch has reserved is its to hold. After its `LAST` step nothing more is given.
        """
        ...

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        """Of all days from `first` to `last` that were written to."""
        ...

    async def forget(self, before: date, most: int) -> int:
        """Remove amounts of batches on days before that one, oldest first; returns how many, at most `most`.

        Balances stay: limits without an end add them up. To be asked only of days on which no batch has anything to
        change any more. May stop anywhere, and be repeated.
        """
        ...

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        """By batch, everything that the day's balance is the sum of: for checks, not for calls.

        `reserved` has what is held past it.
        """
        ...
