"""What a batch costs: expected before it runs and while it does, known when it has ended (ADR 0014).

Rule of this file: amounts are picos (`usage/money`) at the price that the record has had since its validation. An
estimate says None where there is nothing to estimate from.
"""

from __future__ import annotations

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.batches.forecast import Measured
from shared.domain.deployments.price import Price, cost_of
from shared.domain.usage.usage import Usage


class ExpectedCost(msgspec.Struct, frozen=True, kw_only=True):
    """Of requests that have not been sent. `output` is None while nothing is known of answers' lengths."""

    input: int
    output: int | None

    @property
    def total(self) -> int | None:
        return None if self.output is None else self.input + self.output


def expected_cost(price: Price, requests: int, input_tokens: int, found: Measured | None) -> ExpectedCost:
    """Without a cache, and as if all requests were of the same length."""

    def cost(usage: Usage) -> int:
        return at_length(price, requests, input_tokens, usage)

    return ExpectedCost(
        input=cost(Usage(input_tokens=input_tokens)),
        output=cost(_answers(requests, found)) if found or not price.charges_answers else None,
    )


def _answers(requests: int, found: Measured | None) -> Usage:
    if found is None:
        return Usage()
    return Usage(
        output_tokens=round(requests * found.output_tokens_per_request),
        images=round(requests * found.images_per_request),
    )


def at_length(price: Price, requests: int, input_tokens: int, usage: Usage) -> int:
    """Picos of the usage of so many requests, as if all had the same part of the input tokens."""
    step = price.step_of(input_tokens // requests)
    return cost_of(usage.past(step) if step else usage, price)


class BatchCost(msgspec.Struct, frozen=True, kw_only=True):
    """`actual` is that of its usage so far; `estimated` that of all of it, None once it has ended."""

    currency: str
    estimated: int | None
    actual: int


def batch_cost(batch: Batch) -> BatchCost | None:
    """None without a price. `batch` has live counts (`live_counts`)."""
    if batch.price is None:
        return None
    actual = cost_of(batch.usage, batch.price)
    estimated = None if batch.is_terminal else _estimated(batch, actual)
    return BatchCost(currency=batch.price.currency, estimated=estimated, actual=actual)


def _estimated(batch: Batch, actual: int) -> int | None:
    """As all its requests would cost at the average of those that have finished; before, as was expected."""
    finished = batch.completed + batch.failed
    return actual * batch.total // finished if finished else batch.expected_picos
