"""What every back end promises of accounts of what was reserved and spent (`shared/ports/spending.py`)."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from shared.ports.spending import LAST, Amount, Held, LimitReached, SpendingStore
from shared.ports.stores import Stores

DAY, NEXT = date(2026, 11, 30), date(2026, 12, 1)


@pytest.fixture
def spending(stores: Stores) -> SpendingStore:
    return stores.spending


async def test_a_balance_is_the_sum_of_its_amounts(spending: SpendingStore) -> None:
    """Whatever their sizes; accounts and days have nothing to do with each other."""
    assert await spending.balances("a", DAY, NEXT) == {}
    assert await spending.put("a", DAY, "one", Amount(5, 0)) == (Amount(5, 0), 5)
    assert await spending.put("a", DAY, "two", Amount(10**30, 7)) == (Amount(10**30, 7), 10**30 + 5)
    await spending.put("a", NEXT, "one", Amount(1, 0))
    await spending.put("b/#?", DAY, "ü%/", Amount(7, 0))

    assert await spending.balances("a", DAY, NEXT) == {DAY: 10**30 + 5, NEXT: 1}
    assert await spending.balances("a", NEXT, NEXT) == {NEXT: 1}
    assert await spending.balances("a", date(1, 1, 2), DAY) == {DAY: 10**30 + 5}
    assert await spending.amounts("a", DAY) == {"one": Amount(5, 0), "two": Amount(10**30, 7)}
    assert await spending.amounts("b/#?", DAY) == {"ü%/": Amount(7, 0)}
    assert await spending.amounts("c", DAY) == {}


async def test_only_a_later_step_changes_an_amount(spending: SpendingStore) -> None:
    """What comes again, or late, finds what is there."""
    await spending.put("a", DAY, "other", Amount(100, 0))
    await spending.put("a", DAY, "one", Amount(5, 2))
    for again in (Amount(6, 2), Amount(7, 1), Amount(5, 2)):
        assert await spending.put("a", DAY, "one", again) == (Amount(5, 2), 105)
    assert await spending.put("a", DAY, "one", Amount(3, 3)) == (Amount(3, 3), 103)

    assert await spending.balances("a", DAY, DAY) == {DAY: 103}


async def test_steps_that_come_at_once(spending: SpendingStore) -> None:
    """In whatever order, the last one stays, and the balance is right."""
    await asyncio.gather(*(spending.put("a", DAY, "one", Amount(10 * step, step)) for step in range(12)))
    await asyncio.gather(*(spending.put("a", DAY, f"b{number % 4}", Amount(1, 0)) for number in range(12)))

    assert (await spending.amounts("a", DAY))["one"] == Amount(110, 11)
    assert await spending.balances("a", DAY, DAY) == {DAY: 114}


async def test_nothing_goes_past_what_was_allowed(spending: SpendingStore) -> None:
    """Up to it, yes; what is refused leaves no trace; what is there already, or lowers the balance, is never refused."""
    await spending.put("a", DAY, "one", Amount(6, 0), most=10)
    with pytest.raises(LimitReached) as refused:
        await spending.put("a", DAY, "two", Amount(5, 0), most=10)
    assert refused.value.balance == 6
    assert (await spending.put("a", DAY, "four", Amount(4, 0), most=10))[1] == 10
    assert (await spending.put("a", DAY, "four", Amount(4, 0), most=1))[1] == 10
    assert (await spending.put("a", DAY, "four", Amount(3, 1), most=1))[1] == 9
    with pytest.raises(LimitReached):
        await spending.put("a", DAY, "one", Amount(8, 1), most=10)

    assert await spending.amounts("a", DAY) == {"one": Amount(6, 0), "four": Amount(3, 1)}


async def test_fifty_at_once_see_each_other(spending: SpendingStore) -> None:
    """Of fifty reservations of 10, those that fit into 105 are taken, and no others."""
    tries = [spending.put("a", DAY, f"r{number}", Amount(10, 0), most=105) for number in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)

    assert 10 == sum(isinstance(one, tuple) for one in results)
    assert all(isinstance(one, tuple | LimitReached) for one in results)
    assert await spending.balances("a", DAY, DAY) == {DAY: 100}
    assert 10 == len(await spending.amounts("a", DAY))


async def test_what_is_held_is_first_of_what_is_reserved(spending: SpendingStore) -> None:
    """Past it, and without any, it counts itself, up to what is allowed. Whoever asks for less gives back."""
    await spending.put("a", DAY, "one", Amount(5, 1, reserved=20))
    assert await spending.hold("a", DAY, "one", 0, 15, most=40) == Held(15, 20)
    assert await spending.balances("a", DAY, DAY) == {DAY: 25}
    assert await spending.hold("a", DAY, "one", 1, 10**30, most=40) == Held(20, 0)
    assert await spending.balances("a", DAY, DAY) == {DAY: 40}
    assert await spending.hold("a", DAY, "one", 1, 21, most=1) == Held(20, -39)
    assert await spending.hold("a", DAY, "two", 0, 1, most=40) == Held(0, 0)
    assert await spending.hold("a", DAY, "two", 0, 1, most=41) == Held(1, 0)
    assert await spending.balances("a", DAY, DAY) == {DAY: 41}
    assert await spending.amounts("a", DAY) == {"one": Amount(5, 1, reserved=35), "two": Amount(0, -1, reserved=1)}
    assert await spending.hold("a", DAY, "one", 1, 3, most=40) == Held(3, 16)
    assert await spending.hold("a", DAY, "one", 0, 0, most=1) == Held(0, -8)
    assert await spending.balances("a", DAY, DAY) == {DAY: 26}


async def test_a_limit_that_was_lowered_holds_for_what_is_reserved(spending: SpendingStore) -> None:
    """What was reserved under a higher one may not be held past it; what is held already stays."""
    await spending.put("a", DAY, "one", Amount(0, 0, reserved=50))
    await spending.put("a", DAY, "two", Amount(0, 0, reserved=50))
    assert await spending.hold("a", DAY, "one", 0, 30, most=100) == Held(30, 20)
    assert await spending.hold("a", DAY, "one", 1, 30, most=60) == Held(0, -20)
    assert await spending.hold("a", DAY, "two", 0, 30, most=60) == Held(10, 0)

    assert await spending.balances("a", DAY, DAY) == {DAY: 100}


async def test_what_is_sealed_is_held_no_more(spending: SpendingStore) -> None:
    """The amount has it. After the last step nothing is held, whoever asks."""
    await spending.put("a", DAY, "one", Amount(0, 0, reserved=20))
    for chunk in (0, 1, 11):
        await spending.hold("a", DAY, "one", chunk, 10, most=100)
    assert await spending.put("a", DAY, "one", Amount(9, 1, reserved=5), sealed={0}) == (Amount(9, 1, reserved=5), 29)
    assert await spending.put("a", DAY, "one", Amount(9, 1), sealed={1}) == (Amount(9, 1, reserved=5), 29)
    assert await spending.put("a", DAY, "one", Amount(12, LAST), sealed=range(12)) == (Amount(12, LAST), 12)
    assert await spending.hold("a", DAY, "one", 2, 10, most=100) == Held(0, 88)

    assert await spending.balances("a", DAY, DAY) == {DAY: 12}


async def test_forgetting_leaves_balances(spending: SpendingStore) -> None:
    """Oldest days first, some at a time; days that may still change are left alone."""
    for day, names in ((DAY - timedelta(days=1), "abc"), (DAY, "abcd"), (NEXT, "e")):
        for account in ("one", "b/#?"):
            for name in names:
                await spending.put(account, day, name, Amount(1, 0))
                await spending.hold(account, day, name, 0, 2, most=100)

    async def left() -> list[int]:
        days = (DAY - timedelta(days=1), DAY, NEXT)
        return [len(await spending.amounts("one", day)) + len(await spending.amounts("b/#?", day)) for day in days]

    assert await spending.forget(NEXT, 5) == 5
    assert await left() == [1, 8, 2]
    assert await spending.forget(NEXT, 100) == 9
    assert await spending.forget(NEXT, 100) == 0
    assert await left() == [0, 0, 2]
    assert await spending.balances("one", DAY - timedelta(days=1), NEXT) == {
        DAY - timedelta(days=1): 9,
        DAY: 12,
        NEXT: 3,
    }


async def test_chunks_that_ask_at_once_share_what_there_is(spending: SpendingStore) -> None:
    """To the last pico, and no further."""
    held = await asyncio.gather(*(spending.hold("a", DAY, f"b{chunk % 3}", chunk, 10, most=105) for chunk in range(30)))

    assert sum(one.picos for one in held) == 105
    assert await spending.balances("a", DAY, DAY) == {DAY: 105}
