"""What a prompt cache has done for a batch, by the usage of its answers."""

from __future__ import annotations

import pytest

from shared.domain.batches.cache_use import CacheUse, cache_use
from shared.domain.deployments.price import billed
from shared.domain.deployments.price_setting import read_price
from shared.domain.usage.usage import Usage
from tests.contracts.samples import a_batch

PRICE, _ = read_price(
    {
        "input": 2.0,
        "cached_input": 0.5,
        "cache_write": 2.5,
        "output": 10.0,
        "steps": [{"above_input_tokens": 1000, "input": 4.0, "cached_input": 1.0, "cache_write": 5.0, "output": 15.0}],
    }
)


def used(*usages: Usage) -> CacheUse | None:
    assert PRICE is not None
    return cache_use(a_batch(0, price=PRICE, usage=sum((billed(usage, PRICE) for usage in usages), Usage())))


@pytest.mark.parametrize(
    ("usage", "saved"),
    [
        (Usage(input_tokens=100, cached_tokens=80, output_tokens=9), 80 * 1_500_000),
        (Usage(input_tokens=100, cached_tokens=80, cache_write_tokens=20), 80 * 1_500_000 - 20 * 500_000),
        (Usage(input_tokens=100, cache_write_tokens=20), -20 * 500_000),
        (Usage(input_tokens=2000, cached_tokens=1000), 1000 * 3_000_000),
    ],
)
def test_savings_are_the_price_of_the_same_without_a_cache(usage: Usage, saved: int) -> None:
    """Writes that cost more than input count against them; a long request is at its step's rates."""
    assert (found := used(usage))
    assert found.saved == saved


def test_sums_are_of_all_requests() -> None:
    """Short and long ones together."""
    short, long = Usage(input_tokens=100, cached_tokens=50), Usage(input_tokens=1900, cached_tokens=950)
    assert used(short, long) == CacheUse(share=0.5, written_tokens=0, saved=50 * 1_500_000 + 950 * 3_000_000)


def test_no_cache_says_nothing() -> None:
    """Zero would say that there was one and that it gave nothing."""
    assert used(Usage(input_tokens=100, output_tokens=9)) is None
