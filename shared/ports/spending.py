"""What was reserved and spent, as accounts: each a balance, and the entries that it is the sum of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

MOST_ENTRIES: Final = 90  # Of one `add`: Table Storage takes a hundred rows in one step.


class LimitReached(Exception):
    """The entries would take the balance past what was allowed; `balance` is without them."""

    def __init__(self, balance: int) -> None:
        super().__init__(f"The balance is {balance}.")
        self.balance = balance


class SpendingStore(Protocol):
    """Accounts, named by whom they are of and for which time. One that nobody wrote to has a balance of 0.

    An entry is written once: what is added again under the same name changes nothing, whatever its amount. So an
    operation that is repeated after a crash is counted once, and a balance is the sum of its entries at any moment.
    """

    async def balance(self, account: str) -> int: ...

    async def add(self, account: str, entries: Mapping[str, int], *, most: int | None = None) -> int:
        """Write the entries that are not there and add them to the balance, all in one step; return the new balance.

        Raises LimitReached, and writes none of them, if that takes the balance past `most`. Entries that are all there
        already are never refused.
        """
        ...

    async def entries(self, account: str) -> dict[str, int]:
        """Everything that the balance is the sum of: for checks, not for calls."""
        ...

    async def delete(self, account: str) -> None:
        """The account with all of its entries; repeat it if it was interrupted."""
        ...
