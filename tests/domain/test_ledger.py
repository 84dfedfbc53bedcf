"""Rows of the ledger, and what is summed of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.batches.batch import Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.chunk_usage import ledger_row
from shared.domain.deployments.charges import charges_of
from shared.domain.deployments.price import Price, Rates, Step, billed, cost_of
from shared.domain.usage.ledger import Amounts, Charge, LedgerHour, Tally, Width, start_of, summed, total
from shared.domain.usage.usage import Usage
from shared.domain.usage.usage import total as total_usage
from tests.contracts.samples import START, a_batch, a_tally, an_id

SEALED = START + timedelta(hours=2)
ROW = ChunkRow(
    batch_id=an_id(1), index=3, completed=4, failed=1, usage=Usage(input_tokens=9), seal="ab", sealed_at=SEALED
)
PRICE = Price(
    currency="EUR",
    rates=Rates(input=1000, cached_input=100, cache_write=1250, output=4000, image=7),
    steps=(Step(above_input_tokens=100, rates=Rates(input=2000, output=6000)),),
)


def a_running_batch(**changes: object) -> object:
    values = {"deployment": "m", "key_id": an_id(5), "status": Status.FINALIZING, "finalizing_at": START}
    return a_batch(1, **values | changes)


@pytest.mark.parametrize(
    ("width", "start"), [("1m", "2026-03-01T12:59"), ("1h", "2026-03-01T12:00"), ("1d", "2026-03-01T00:00")]
)
def test_buckets_begin_in_utc(width: str, start: str) -> None:
    """Wherever the clock stands: 18:29 in Delhi is 12:59."""
    delhi = datetime(2026, 3, 1, 18, 29, 59, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert start_of(delhi, Width(width)) == datetime.fromisoformat(f"{start}+00:00")


def test_a_row_says_what_a_chunk_used() -> None:
    """Whose it was, when it was sealed, what it cost at the price that the batch was validated at."""
    row = ledger_row(a_running_batch(price=Price(rates=Rates(input=3))), ROW)

    charge = Charge(currency="USD", item="input_tokens", quantity=9, picos=27)
    amounts = Amounts(completed=4, failed=1, usage=Usage(input_tokens=9), charges=(charge,))
    assert (row.project, row.batch_id, row.chunk, row.sealed_at) == ("project-a", an_id(1), 3, SEALED)
    assert row.tally == Tally(model="m", endpoint="/v1/chat/completions", key_id=an_id(5), amounts=amounts)
    assert row.hour == LedgerHour(datetime(2026, 3, 1, 14, tzinfo=UTC), "project-a")


@pytest.mark.parametrize("changes", [{"seal": None}, {"completed": 0, "failed": 0}])
def test_what_has_no_row(changes: dict[str, object]) -> None:
    """A chunk that is open may still change; of one that never ran there is nothing to say."""
    assert ledger_row(a_running_batch(), msgspec.structs.replace(ROW, **changes)) is None


@pytest.mark.parametrize(
    ("changes", "hours"),
    [
        ({}, 0),
        ({"status": Status.COMPLETED, "completed_at": SEALED}, 0),
        ({"finalizing_at": None, "cancelling_at": START + timedelta(hours=1)}, 1),
        ({"finalizing_at": None}, 24),
    ],
)
def test_a_chunk_of_an_older_version_counts_at_the_end(changes: dict[str, object], hours: int) -> None:
    """Its row does not say when it was sealed: the moment from which on its batch began nothing new."""
    row = ledger_row(a_running_batch(**changes), msgspec.structs.replace(ROW, sealed_at=None))

    assert row.sealed_at == START + timedelta(hours=hours)


def test_sums_do_not_depend_on_an_order() -> None:
    """One for each key, model and endpoint; each is the sum of its parts."""
    tallies = [
        a_tally(tokens, key_id=key, model=model)
        for tokens in (1, 20, 300)
        for key in (None, an_id(1))
        for model in ("a", "b")
    ]
    sums = summed(tallies)
    Random(1).shuffle(tallies)

    assert summed(tallies) == sums == summed([*sums])
    assert [(tally.model, tally.key_id, tally.amounts.usage.input_tokens) for tally in sums] == [
        ("a", None, 321),
        ("a", an_id(1), 321),
        ("b", None, 321),
        ("b", an_id(1), 321),
    ]


def test_currencies_are_never_added() -> None:
    """Nor are items."""
    dollar, euro = (Charge(currency=code, item="input_tokens", quantity=1, picos=5) for code in ("USD", "EUR"))
    images = Charge(currency="USD", item="images", quantity=1, picos=5)
    charges = total([Amounts(charges=(dollar, euro)), Amounts(charges=(dollar, images))]).charges

    assert charges == (euro, images, Charge(currency="USD", item="input_tokens", quantity=2, picos=10))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, written, rest = (draw(st.integers(0, 200)) for _ in range(3))
    return Usage(
        input_tokens=cached + written + rest,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=draw(st.integers(0, 10**12)),
        images=draw(st.integers(0, 5)),
    )


@given(st.lists(usages(), max_size=8))
def test_charges_are_the_cost(requests: list[Usage]) -> None:
    """Of all requests together and of each: to the last pico, also where some are long; and no token is counted twice."""
    usage = total_usage([billed(request, PRICE) for request in requests])
    charges = charges_of(usage, PRICE)
    quantities = {charge.item: charge.quantity for charge in charges}

    assert sum(charge.picos for charge in charges) == cost_of(usage, PRICE)
    assert sum(charge.picos for each in requests for charge in charges_of(billed(each, PRICE), PRICE)) == cost_of(
        usage, PRICE
    )
    assert usage.input_tokens == sum(count for item, count in quantities.items() if item.startswith("input"))
    assert 0 not in quantities.values()
