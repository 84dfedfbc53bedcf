"""What a deployment's answers cost, and the cost of a usage. Pure, and exact to the last pico (`usage/money`).

A price is the rates of short requests, and for each step those of requests with more input tokens than that: as vendors
bill, the whole request is at the step's rates. The discount is in the rates already. `price_setting` reads it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.domain.usage.usage import Counts, LongUsage, Usage

CURRENCY: Final = "USD"


class Rates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Picos for one token of each kind, and for one image. Tokens that a cache gave or took are no `input`."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    image: int = 0

    def cost(self, counts: Counts) -> int:
        plain = counts.input_tokens - counts.cached_tokens - counts.cache_write_tokens
        return (
            plain * self.input
            + counts.cached_tokens * self.cached_input
            + counts.cache_write_tokens * self.cache_write
            + counts.output_tokens * self.output
            + counts.images * self.image
        )


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of requests with more than so many input tokens."""

    above_input_tokens: int
    rates: Rates


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """`steps` are in ascending order. `currency` is a code of ISO 4217."""

    currency: str = CURRENCY
    rates: Rates = Rates()
    steps: tuple[Step, ...] = ()

    @property
    def charges_answers(self) -> bool:
        """Whether what comes back costs anything."""
        return any(rates.output or rates.image for rates in (self.rates, *(step.rates for step in self.steps)))

    def step_of(self, input_tokens: int) -> int:
        """The highest step that a request of so many input tokens is past; 0 for a short one."""
        passed = [step.above_input_tokens for step in self.steps if input_tokens > step.above_input_tokens]
        return passed[-1] if passed else 0

    def rates_of(self, long: LongUsage) -> Rates:
        """Those of the step that `long` is past, or of the one below it if this price has no such step."""
        passed = [step.rates for step in self.steps if long.above_input_tokens >= step.above_input_tokens]
        return passed[-1] if passed else self.rates


def billed(usage: Usage, price: Price | None) -> Usage:
    """The usage of one request, marked as long where it is past a step of its price."""
    step = price.step_of(usage.input_tokens) if price and price.steps else 0
    return usage.past(step) if step else usage


def cost_of(usage: Usage, price: Price) -> int:
    """Picos. The cost of a sum is the sum of the costs, as long as each request was `billed` at this price."""
    return price.rates.cost(usage.short()) + sum(price.rates_of(long).cost(long) for long in usage.long)
