"""The `price` of a deployment as an operator writes it, and every mistake in it as one sentence. Pure.

Rule of this file: nothing is rounded. Prices are decimals, for a million tokens; one that would come to a fraction of a
pico a token is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from shared.domain.deployments.near_miss import did_you_mean
from shared.domain.deployments.price import CURRENCY, Price, Rates, Step
from shared.domain.usage.money import PICOS

_PER_TOKEN: Final = ("input", "cached_input", "cache_write", "output")
_RATES: Final = (*_PER_TOKEN, "image")
_OTHERS: Final = ("currency", "batch_discount", "steps")
_STEP: Final = "above_input_tokens"
_AS_INPUT: Final = ("cached_input", "cache_write")  # What is not said costs as much as other input.
_MILLION: Final = 10**6
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,18})?", re.ASCII)

Given = dict[str, Fraction]


class _Problems(list[str]):
    """Each begins with the place of what is wrong: `price.input: …`."""

    def add(self, where: str, problem: str) -> None:
        self.append(f"{where}: {problem}")


def read_price(entry: Any) -> tuple[Price, list[str]]:
    """The price, which counts only where there is no problem."""
    problems = _Problems()
    if not isinstance(entry, dict):
        problems.add("price", 'expected an object such as {"input": 0.15, "output": 0.6}')
        return Price(), problems
    _unknown("price", entry, (*_RATES, *_OTHERS), problems)
    kept = 1 - _discount(entry, problems)
    given = _amounts("price", entry, _RATES, problems)
    rates = _rates("price", given, given, kept, problems)
    steps = _steps(entry.get("steps", []), given, kept, problems)
    return Price(currency=_currency(entry, problems), rates=rates, steps=steps), problems


def _unknown(where: str, entry: Mapping[str, Any], known: tuple[str, ...], problems: _Problems) -> None:
    for each in entry:
        if each not in known:
            meant = did_you_mean(each, known)
            advice = f"did you mean {meant}?" if meant else f"the settings are {', '.join(known)}"
            problems.add(f"{where}.{each}", f"not a setting; {advice}")


def _currency(entry: Mapping[str, Any], problems: _Problems) -> str:
    currency = entry.get("currency", CURRENCY)
    if isinstance(currency, str) and re.fullmatch(r"[A-Za-z]{3}", currency, re.ASCII):
        return currency.upper()
    problems.add("price.currency", f"expected three letters of ISO 4217 such as USD or EUR, got {currency!r}")
    return CURRENCY


def _discount(entry: Mapping[str, Any], problems: _Problems) -> Fraction:
    discount = _amount(entry.get("batch_discount", 0))
    if discount is not None and discount < 1:
        return discount
    expected = "expected the part that is taken off, 0 to below 1: 0.5 halves the price"
    problems.add("price.batch_discount", f"{expected}; got {entry['batch_discount']!r}")
    return Fraction(0)


def _amounts(where: str, entry: Mapping[str, Any], names: tuple[str, ...], problems: _Problems) -> Given:
    """What is given of the `names`."""
    found: Given = {}
    for name in (name for name in names if name in entry):
        amount = _amount(entry[name])
        if amount is None:
            unit = "an image" if name == "image" else "a million tokens"
            problems.add(f"{where}.{name}", f'expected a price for {unit} such as 0.15 or "0.15", got {entry[name]!r}')
        else:
            found[name] = amount
    return found


def _amount(value: Any) -> Fraction | None:
    """What a JSON number or a decimal in quotes says, exactly; None if it is neither, or as large as a billion."""
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = format(Decimal(str(value)), "f")  # A float's text is the decimal that was written.
    else:
        return None
    return Fraction(text) if _AMOUNT.fullmatch(text) else None


def _rates(where: str, given: Given, own: Given, kept: Fraction, problems: _Problems) -> Rates:
    """`own` is what of the `given` prices is said at this place."""
    full = {name: given.get("input", Fraction(0)) for name in _AS_INPUT} | given
    picos = {name: amount * kept * PICOS / (_MILLION if name in _PER_TOKEN else 1) for name, amount in full.items()}
    for name in own:
        if picos[name].denominator != 1:
            most = "6 decimals" if name in _PER_TOKEN else "12 decimals"
            after = " after the discount" if kept != 1 else ""
            problems.add(f"{where}.{name}", f"has more than {most}{after}, which is too fine to be counted: round it")
    return Rates(**{name: int(each) for name, each in picos.items()})


def _steps(entries: Any, given: Given, kept: Fraction, problems: _Problems) -> tuple[Step, ...]:
    if not isinstance(entries, list):
        example = '[{"above_input_tokens": 272000, "input": 5, "output": 22.5}]'
        problems.add("price.steps", f"expected a list of objects such as {example}")
        return ()
    steps = []
    for number, entry in enumerate(entries):
        step, given = _step(f"price.steps[{number}]", entry, given, kept, problems)
        steps.append(step)
    above = [step.above_input_tokens for step in steps]
    if not problems and any(higher <= lower for lower, higher in pairwise(above)):
        problems.add("price.steps", f"expected them by ascending {_STEP}, got {above}")
    return tuple(steps)


def _step(where: str, entry: Any, below: Given, kept: Fraction, problems: _Problems) -> tuple[Step, Given]:
    """The step, and what it comes to: what it leaves out stays as it was below it."""
    if not isinstance(entry, dict):
        problems.add(where, f"expected an object with {_STEP} and the prices past it")
        return Step(above_input_tokens=0, rates=Rates()), below
    _unknown(where, entry, (_STEP, *_PER_TOKEN), problems)
    above = entry.get(_STEP)
    if type(above) is not int or above < 1:
        problems.add(f"{where}.{_STEP}", f"expected a whole number above zero, got {above!r}")
        above = 0
    own = _amounts(where, entry, _PER_TOKEN, problems)
    if not any(name in entry for name in _PER_TOKEN):
        problems.add(where, f"expected at least one of {', '.join(_PER_TOKEN)}")
    given = below | own
    return Step(above_input_tokens=above, rates=_rates(where, given, own, kept, problems)), given
