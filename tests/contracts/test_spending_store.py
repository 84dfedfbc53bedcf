"""What every back end promises of accounts of what was reserved and spent (`shared/ports/spending.py`)."""

from __future__ import annotations

import asyncio

import pytest

from shared.ports.spending import MOST_ENTRIES, LimitReached, SpendingStore
from shared.ports.stores import Stores


@pytest.fixture
def spending(stores: Stores) -> SpendingStore:
    return stores.spending


async def test_a_balance_is_the_sum_of_its_entries(spending: SpendingStore) -> None:
    """Whatever their signs and sizes; accounts have nothing to do with each other."""
    assert await spending.balance("a") == 0
    assert await spending.add("a", {"one": 5, "two": -2}) == 3
    assert await spending.add("a", {"three": 10**30}) == 10**30 + 3
    assert await spending.add("b", {"one": 7}) == 7

    assert await spending.balance("a") == 10**30 + 3
    assert await spending.entries("a") == {"one": 5, "two": -2, "three": 10**30}
    assert await spending.entries("c") == {}


async def test_what_is_added_again_changes_nothing(spending: SpendingStore) -> None:
    """Alone, among others, twice in one moment, or with another amount."""
    await spending.add("a", {"one": 5})
    assert await spending.add("a", {"one": 5}) == 5
    assert await spending.add("a", {"one": 6, "two": 1}) == 6
    balances = await asyncio.gather(*(spending.add("a", {"three": 4, "one": 5}) for _ in range(4)))

    assert set(balances) == {10}
    assert await spending.entries("a") == {"one": 5, "two": 1, "three": 4}
    assert await spending.add("a", {}) == 10


async def test_nothing_goes_past_what_was_allowed(spending: SpendingStore) -> None:
    """Up to it, yes; what is refused leaves no trace; entries that are there are no reason to refuse."""
    await spending.add("a", {"one": 6}, most=10)
    with pytest.raises(LimitReached) as refused:
        await spending.add("a", {"two": 3, "three": 2}, most=10)
    assert refused.value.balance == 6
    assert await spending.add("a", {"four": 4}, most=10) == 10
    assert await spending.add("a", {"four": 4, "one": 6}, most=10) == 10
    assert await spending.add("a", {"four": 4}, most=1) == 10

    assert await spending.entries("a") == {"one": 6, "four": 4}


async def test_fifty_at_once_see_each_other(spending: SpendingStore) -> None:
    """Of fifty reservations of 10, those that fit into 105 are taken, and no others."""
    tries = [spending.add("a", {f"r{number}": 10}, most=105) for number in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)

    assert 10 == sum(isinstance(one, int) for one in results)
    assert all(isinstance(one, int | LimitReached) for one in results)
    assert await spending.balance("a") == 100 == sum((await spending.entries("a")).values())


async def test_many_entries_at_once(spending: SpendingStore) -> None:
    """As many as one call may have, with names that are hard."""
    entries = {f"s:{number}/#?%\\ü": number for number in range(MOST_ENTRIES)}
    assert await spending.add("p/#?", entries) == sum(entries.values())

    assert await spending.entries("p/#?") == entries


async def test_an_account_goes_as_a_whole(spending: SpendingStore) -> None:
    """And may begin anew."""
    await spending.add("a", {"one": 5, "two": 6})
    await spending.add("b", {"one": 1})
    await spending.delete("a")
    await spending.delete("a")

    assert (await spending.balance("a"), await spending.entries("a"), await spending.balance("b")) == (0, {}, 1)
    assert await spending.add("a", {"one": 5}) == 5
