"""What a cost is made of: each kind of token, and images. Their sum is the cost, to the last pico."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from shared.domain.deployments.price import Price, Rates
from shared.domain.usage.ledger import Charge, total_charges
from shared.domain.usage.usage import Counts, Usage


class Item(StrEnum):
    """What is charged, in words like OpenAI's for usage. None of them is part of another one."""

    INPUT = "input_tokens"
    CACHED_INPUT = "input_cached_tokens"
    CACHE_WRITE = "input_cache_write_tokens"
    OUTPUT = "output_tokens"
    IMAGES = "images"


def charges_of(usage: Usage, price: Price) -> tuple[Charge, ...]:
    """One for each item there is any of, and no other."""
    found = [*_charges(usage.short(), price.rates, price.currency)]
    for long in usage.long:
        found += _charges(long, price.rates_of(long), price.currency)
    return total_charges(found)


def _charges(counts: Counts, rates: Rates, currency: str) -> Iterator[Charge]:
    plain = counts.input_tokens - counts.cached_tokens - counts.cache_write_tokens
    parts = {
        Item.INPUT: (plain, rates.input),
        Item.CACHED_INPUT: (counts.cached_tokens, rates.cached_input),
        Item.CACHE_WRITE: (counts.cache_write_tokens, rates.cache_write),
        Item.OUTPUT: (counts.output_tokens, rates.output),
        Item.IMAGES: (counts.images, rates.image),
    }
    for item, (quantity, rate) in parts.items():
        if quantity:
            yield Charge(currency=currency, item=item.value, quantity=quantity, picos=quantity * rate)
