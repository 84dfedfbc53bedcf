"""Prices as operators write them, and costs against a recount in fractions."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.deployments.deployment_setting import parse_deployments
from shared.domain.deployments.price import Price, Rates, Step, billed, cost_of
from shared.domain.deployments.price_setting import read_price
from shared.domain.usage.money import PICOS
from shared.domain.usage.usage import LongUsage, Usage, total

LONG = {
    "input": 5,
    "cached_input": "0.5",
    "cache_write": 6.25,
    "output": 30,
    "image": 0.04,
    "batch_discount": 0.5,
    "steps": [{"above_input_tokens": 272_000, "input": 10, "cached_input": 1, "output": 45}],
}
EXAMPLE = '[{"above_input_tokens": 272000, "input": 5, "output": 22.5}]'
KINDS = ("input", "cached_input", "cache_write", "output")


def price_of(entry: Any) -> Price:
    price, problems = read_price(entry)
    assert problems == []
    return price


def recounted(usage: Usage, entry: dict[str, Any]) -> Fraction:
    """The cost of one request in units of the currency, from the setting's own words."""
    said = {name: Fraction(str(entry[name])) for name in (*KINDS, "image") if name in entry}
    for step in entry.get("steps", []):
        if usage.input_tokens > step["above_input_tokens"]:
            said |= {name: Fraction(str(step[name])) for name in KINDS if name in step}
    plain = said.get("input", Fraction(0))
    tokens = (
        (usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens) * plain
        + usage.cached_tokens * said.get("cached_input", plain)
        + usage.cache_write_tokens * said.get("cache_write", plain)
        + usage.output_tokens * said.get("output", Fraction(0))
    )
    full = tokens / 1_000_000 + usage.images * said.get("image", Fraction(0))
    return full * (1 - Fraction(str(entry.get("batch_discount", 0))))


def test_a_price_as_before_goes_on_working() -> None:
    """What a cache gave or took costs as much as other input where nothing else is said."""
    rates = Rates(input=150_000, cached_input=150_000, cache_write=150_000, output=600_000)
    assert price_of({"input": 0.15, "output": 0.6}) == Price(currency="USD", rates=rates)


def test_all_that_a_price_can_say() -> None:
    """In picos, at half the price; what a step leaves out stays as it was below it."""
    assert price_of(LONG | {"currency": "eur"}) == Price(
        currency="EUR",
        rates=Rates(
            input=2_500_000, cached_input=250_000, cache_write=3_125_000, output=15_000_000, image=20_000_000_000
        ),
        steps=(
            Step(
                above_input_tokens=272_000,
                rates=Rates(
                    input=5_000_000,
                    cached_input=500_000,
                    cache_write=3_125_000,
                    output=22_500_000,
                    image=20_000_000_000,
                ),
            ),
        ),
    )


@pytest.mark.parametrize("text", ["0.1", "0.000001", "123456789.123456", "7", "0.30"])
def test_a_price_is_read_exactly(text: str) -> None:
    """As a number and as text, to the last decimal."""
    picos = Fraction(text) * PICOS / 1_000_000
    assert price_of({"input": text}).rates.input == picos
    assert price_of({"input": json.loads(text)}).rates.input == picos


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (3, 'price: expected an object such as {"input": 0.15, "output": 0.6}'),
        ({"inptu": 1}, "price.inptu: not a setting; did you mean input?"),
        (
            {"x": 1},
            f"price.x: not a setting; the settings are {', '.join((*KINDS, 'image'))}, currency, batch_discount, steps",
        ),
        ({"input": -1}, 'price.input: expected a price for a million tokens such as 0.15 or "0.15", got -1'),
        ({"input": True}, 'price.input: expected a price for a million tokens such as 0.15 or "0.15", got True'),
        ({"input": None}, 'price.input: expected a price for a million tokens such as 0.15 or "0.15", got None'),
        ({"output": "1e3"}, "price.output: expected a price for a million tokens such as 0.15 or \"0.15\", got '1e3'"),
        ({"output": "NaN"}, "price.output: expected a price for a million tokens such as 0.15 or \"0.15\", got 'NaN'"),
        ({"output": "٣"}, "price.output: expected a price for a million tokens such as 0.15 or \"0.15\", got '٣'"),
        ({"output": 1e300}, 'price.output: expected a price for a million tokens such as 0.15 or "0.15", got 1e+300'),
        ({"image": []}, 'price.image: expected a price for an image such as 0.15 or "0.15", got []'),
        (
            {"input": 0.0000001},
            "price.input: has more than 6 decimals, which is too fine to be counted: round it",
        ),
        (
            {"input": 0.000001, "batch_discount": 0.5},
            "price.input: has more than 6 decimals after the discount, which is too fine to be counted: round it",
        ),
        (
            {"image": "0.0000000000001"},
            "price.image: has more than 12 decimals, which is too fine to be counted: round it",
        ),
        ({"currency": "$"}, "price.currency: expected three letters of ISO 4217 such as USD or EUR, got '$'"),
        (
            {"batch_discount": 1},
            "price.batch_discount: expected the part that is taken off, 0 to below 1: 0.5 halves the price; got 1",
        ),
        (
            {"batch_discount": "50%"},
            "price.batch_discount: expected the part that is taken off, 0 to below 1: 0.5 halves the price; got '50%'",
        ),
        (
            {"steps": {}},
            f"price.steps: expected a list of objects such as {EXAMPLE}",
        ),
        ({"steps": [1]}, "price.steps[0]: expected an object with above_input_tokens and the prices past it"),
        (
            {"steps": [{"input": 1}]},
            "price.steps[0].above_input_tokens: expected a whole number above zero, got None",
        ),
        (
            {"steps": [{"above_input_tokens": 9}]},
            "price.steps[0]: expected at least one of input, cached_input, cache_write, output",
        ),
        (
            {"steps": [{"above_input_tokens": 9, "input": "x"}]},
            "price.steps[0].input: expected a price for a million tokens such as 0.15 or \"0.15\", got 'x'",
        ),
        (
            {"steps": [{"above_input_tokens": 9, "input": 1, "image": 1}]},
            f"price.steps[0].image: not a setting; the settings are above_input_tokens, {', '.join(KINDS)}",
        ),
        (
            {"steps": [{"above_input_tokens": 9, "input": 1}, {"above_input_tokens": 9, "input": 2}]},
            "price.steps: expected them by ascending above_input_tokens, got [9, 9]",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_says_where(entry: Any, problem: str) -> None:
    """And what was expected there."""
    setting = json.dumps({"x": {"base_url": "http://upstream/v1", "price": entry}})
    assert parse_deployments(setting, {})[1] == [f"BATCH_DEPLOYMENTS['x'].{problem}"]


def test_every_mistake_is_named() -> None:
    """Not only the first."""
    _, problems = read_price({"input": "a", "outputs": 1, "steps": [{"above_input_tokens": 0, "output": "b"}]})
    assert [problem.partition(":")[0] for problem in problems] == [
        "price.outputs",
        "price.input",
        "price.steps[0].above_input_tokens",
        "price.steps[0].output",
    ]


@pytest.mark.parametrize(("tokens", "step"), [(0, 0), (9, 0), (10, 0), (11, 10), (20, 10), (21, 20)])
def test_a_step_begins_past_its_number(tokens: int, step: int) -> None:
    """As vendors say it: more than so many input tokens (contract 9.5)."""
    steps = [{"above_input_tokens": above, "input": above} for above in (10, 20)]
    assert price_of({"input": 1, "steps": steps}).step_of(tokens) == step


def test_a_long_request_is_at_the_rates_of_its_step_as_a_whole() -> None:
    """Not only the tokens past it, and its output too."""
    entry = {"input": 1, "output": 2, "steps": [{"above_input_tokens": 100, "input": 3, "output": 5}]}
    price = price_of(entry)
    assert cost_of(billed(Usage(input_tokens=100, output_tokens=10), price), price) == 120 * PICOS // 10**6
    assert cost_of(billed(Usage(input_tokens=101, output_tokens=10), price), price) == 353 * PICOS // 10**6


def test_without_steps_a_usage_stays_as_it_is() -> None:
    """Not even a copy: this is asked of every answer."""
    usage = Usage(input_tokens=10**9)
    assert billed(usage, price_of({"input": 1})) is usage
    assert billed(usage, None) is usage


def test_a_part_past_a_step_that_the_price_lacks_is_at_the_step_below() -> None:
    """Sums may be of batches with other prices: nothing of them is free."""
    price = price_of({"input": 1, "steps": [{"above_input_tokens": 100, "input": 3}]})
    usage = Usage(input_tokens=30, long=(LongUsage(above_input_tokens=50, input_tokens=20),))
    higher = Usage(input_tokens=30, long=(LongUsage(above_input_tokens=150, input_tokens=20),))
    assert (cost_of(usage, price), cost_of(higher, price)) == (30_000_000, 70_000_000)


amounts = st.decimals(min_value=0, max_value=9999, places=4, allow_nan=False)
prices = st.fixed_dictionaries(
    {"input": amounts},
    optional={
        **dict.fromkeys(("cached_input", "cache_write", "output", "image"), amounts),
        "batch_discount": st.sampled_from(["0", "0.5", "0.25", "0.01"]),
        "steps": st.lists(st.integers(1, 2000), unique=True, max_size=3).flatmap(
            lambda above: st.tuples(
                *(
                    st.fixed_dictionaries(
                        {"above_input_tokens": st.just(each), "output": amounts},
                        optional=dict.fromkeys(("input", "cached_input", "cache_write"), amounts),
                    )
                    for each in sorted(above)
                )
            ).map(list)
        ),
    },
).map(lambda entry: json.loads(json.dumps(entry, default=str)))


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, written, plain = (draw(st.integers(0, 1000)) for _ in range(3))
    return Usage(
        input_tokens=cached + written + plain,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=draw(st.integers(0, 10**6)),
        reasoning_tokens=draw(st.integers(0, 10)),
        images=draw(st.integers(0, 3)),
    )


@given(prices, st.lists(usages(), max_size=12), st.randoms(use_true_random=False))
def test_a_cost_is_exact_however_it_is_summed(entry: dict[str, Any], lines: list[Usage], order: random.Random) -> None:
    """Of lines, of chunks of them, of the batch: one number, that of fractions."""
    price = price_of(entry)
    expected = sum((recounted(usage, entry) for usage in lines), Fraction(0)) * PICOS
    parts = [billed(usage, price) for usage in lines]
    order.shuffle(parts)
    cut = order.randint(0, len(parts))
    chunks = [total(parts[:cut]), total(parts[cut:])]
    assert sum(cost_of(part, price) for part in parts) == expected
    assert sum(cost_of(chunk, price) for chunk in chunks) == expected
    assert cost_of(total(chunks), price) == cost_of(chunks[1] + chunks[0], price) == expected


def test_a_hundred_thousand_lines_recounted() -> None:
    """To the last pico, through chunk rows as they are stored."""
    price, chance = price_of(LONG), random.Random(13)
    lines = []
    for _ in range(100_000):
        sent = chance.choice((chance.randrange(2000), chance.randrange(300_000)))
        cached = chance.randrange(sent + 1)
        written = chance.randrange(sent - cached + 1)
        output = chance.randrange(5000)
        lines.append(Usage(input_tokens=sent, cached_tokens=cached, cache_write_tokens=written, output_tokens=output))
    rows = [total([billed(usage, price) for usage in lines[at : at + 317]]) for at in range(0, len(lines), 317)]
    stored = [msgspec.json.decode(msgspec.json.encode(row), type=Usage) for row in rows]
    assert sum(bool(row.long) for row in stored) == len(stored)
    assert cost_of(total(stored), price) == sum(recounted(usage, LONG) for usage in lines) * PICOS
