"""The caller's wrong parameters, in the words OpenAI uses for them (contract 1.3).

Rule of this file: each function returns the error, the caller raises it. Values are echoed shortened, never in full.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from shared.domain.errors import InvalidRequest

_SHOWN = 100
E = TypeVar("E", bound=StrEnum)


def missing(param: str, advice: str = "") -> InvalidRequest:
    message = f"Missing required parameter: '{param}'.{advice}"
    return InvalidRequest(message, code="missing_required_parameter", param=param)


def wrong_type(param: str, expected: str, value: object) -> InvalidRequest:
    """`expected` is a noun with its article, such as `a string`."""
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {_noun(value)} instead.",
        code="invalid_type",
        param=param,
    )


def unsupported(param: str, value: str, supported: Iterable[str]) -> InvalidRequest:
    """`value` is none of the `supported` ones, which the message lists in alphabetical order."""
    return InvalidRequest(
        f"Invalid value: '{shortened(value)}'. Supported values are: {_listed(supported)}.",
        code="invalid_value",
        param=param,
    )


def out_of_range(param: str, value: int, low: int, high: int) -> InvalidRequest:
    """`value` is below `low` or above `high`."""
    word, sign, bound, code = ("above", "<=", high, "max") if value > high else ("below", ">=", low, "min")
    limit = "maximum" if value > high else "minimum"
    return InvalidRequest(
        f"Invalid '{param}': integer {word} {limit} value. Expected a value {sign} {bound}, "
        f"but got {shortened(str(value))} instead.",
        code=f"integer_{word}_{code}_value",
        param=param,
    )


def too_long(param: str, length: int, limit: int) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        code="string_above_max_length",
        param=param,
    )


def choice(param: str, value: object, choices: Iterable[E]) -> E:
    """The one of `choices` that `value` is the text of. Raises InvalidRequest."""
    if not isinstance(value, str):
        raise wrong_type(param, "a string", value)
    known = {each.value: each for each in choices}
    if value not in known:
        raise unsupported(param, value, known)
    return known[value]


def whole_number(param: str, value: object, low: int, high: int) -> int:
    """`value` if it is a whole number from `low` to `high`. Raises InvalidRequest."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(param, "an integer", value)
    if not low <= value <= high:
        raise out_of_range(param, value, low, high)
    return value


def whole_number_text(param: str, text: str, low: int, high: int) -> int:
    """The same for a query parameter or a form field, where numbers are text."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise wrong_type(param, "an integer", text)
    return whole_number(param, int(text), low, high)


def shortened(value: str) -> str:
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"


def _listed(values: Iterable[str]) -> str:
    quoted = [f"'{value}'" for value in sorted(values)]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


def _noun(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
