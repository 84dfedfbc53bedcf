"""A digest of what failed in a batch: how many lines of its error file by code, and one of each.

Rule of this file: it is counted from the lines of the error file themselves, once, when their chunk is sealed, so the
numbers are the file's. It is bounded: codes are an upstream's words, and there may be any number of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

import msgspec

MOST_CODES: Final = 20
OTHER: Final = "other"  # All codes past these, and lines that have none.
_CODE_LENGTH: Final = 64
_EXAMPLE_LENGTH: Final = 160


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`count` lines failed with `code`. `first_line` is 1-based; `custom_id` and `message` are that line's."""

    code: str
    count: int
    first_line: int
    custom_id: str | None = None
    message: str | None = None


class _Response(msgspec.Struct, frozen=True):
    status_code: Any = None
    body: Any = None


class _Line(msgspec.Struct, frozen=True):
    custom_id: Any = None
    response: _Response | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Line).decode


def read_failure(line: int, error_line: bytes) -> Failure:
    """The failure of one line of the error file. Never raises: the body in it is an upstream's."""
    try:
        found = _decode(error_line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):  # Such as half a surrogate pair.
        return Failure(code=OTHER, count=1, first_line=line)
    response = found.response or _Response()
    error = _error_of(found.error) or _error_of(_inner(response.body)) or {}
    code = _text(error.get("code")) or _text(error.get("type")) or _status(response.status_code)
    return Failure(
        code=code[:_CODE_LENGTH],
        count=1,
        first_line=line,
        custom_id=_shortened(found.custom_id),
        message=_shortened(error.get("message")),
    )


def merged(digests: Iterable[Iterable[Failure]]) -> tuple[Failure, ...]:
    """Their sum: the commonest code first, at most `MOST_CODES` of them, and what is past these as `OTHER`."""
    found: dict[str, Failure] = {}
    for failure in chain.from_iterable(digests):
        found[failure.code] = _sum(found.get(failure.code), failure)
    rest = found.pop(OTHER, None)
    ranked = sorted(found.values(), key=lambda each: (-each.count, each.first_line, each.code))
    for failure in ranked[MOST_CODES:]:
        rest = _sum(rest, msgspec.structs.replace(failure, code=OTHER))
    return (*ranked[:MOST_CODES], rest) if rest else tuple(ranked[:MOST_CODES])


def _sum(one: Failure | None, other: Failure) -> Failure:
    if one is None:
        return other
    first = min(one, other, key=lambda each: each.first_line)
    return msgspec.structs.replace(first, count=one.count + other.count)


def _inner(body: Any) -> Any:
    return body.get("error", body) if isinstance(body, dict) else None


def _error_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and value:
        return {"message": value}
    return value if isinstance(value, dict) else None


def _status(status: Any) -> str:
    return f"status_{status}" if isinstance(status, int) else OTHER


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _shortened(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return value if len(value) <= _EXAMPLE_LENGTH else f"{value[:_EXAMPLE_LENGTH]}…"
