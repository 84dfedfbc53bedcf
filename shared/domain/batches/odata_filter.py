"""Azure's `$filter` and `$orderby` on lists of batches (contract 1.5.6), read as conditions.

The grammar is what Azure documents and no more: comparisons of `created_at` with epoch seconds and of `status` with a
quoted status, joined by `and`, `or` and parentheses; `and` binds closer. What is refused is quoted.
"""

from __future__ import annotations

import re
from typing import Final

from shared.domain.batches.batch import Status
from shared.domain.batches.batch_filter import AllOf, AnyOf, Condition, CreatedWithin, HasStatus
from shared.domain.errors import InvalidRequest
from shared.domain.parameters import shortened

MAX_LENGTH: Final = 2000
MAX_DEPTH: Final = 30
_EXAMPLE: Final = "created_at gt 1728860560 and status eq 'Completed'"
_TOKEN: Final = re.compile(r"\s*(\(|\)|'(?:[^']|'')*'|[^\s()']+)")
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
# Azure's literals are capitalised, objects are not (contract 1.5.6); `InProgress` and `in_progress` both pass.
_STATUSES: Final = {status.value.replace("_", ""): status for status in Status}
_END: Final = ""


def parse_filter(text: str) -> Condition:
    """Raises InvalidRequest."""
    if len(text) > MAX_LENGTH:
        raise _refused(f"it is longer than {MAX_LENGTH} characters")
    reader = _Reader(_tokens(text))
    condition = reader.alternatives(0)
    if reader.next != _END:
        raise _refused(f"expected 'and', 'or' or the end, found {_shown(reader.next)}")
    return condition


def is_newest_first(orderby: str) -> bool:
    """`created_at asc` or `created_at desc`; without a direction OData means ascending. Raises InvalidRequest."""
    match orderby.split():
        case ["created_at", "desc"]:
            return True
        case ["created_at"] | ["created_at", "asc"]:
            return False
    raise InvalidRequest(
        f"Invalid '$orderby': '{shortened(orderby)}'. Use 'created_at asc' or 'created_at desc'.",
        code="invalid_value",
        param="$orderby",
    )


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def next(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else _END

    def _take(self) -> str:
        token = self.next
        self._position += 1
        return token

    def alternatives(self, depth: int) -> Condition:
        parts = [self._conjunction(depth)]
        while self.next.lower() == "or":
            self._take()
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._term(depth)]
        while self.next.lower() == "and":
            self._take()
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _term(self, depth: int) -> Condition:
        if self.next != "(":
            return self._comparison()
        if depth == MAX_DEPTH:
            raise _refused(f"more than {MAX_DEPTH} parentheses are nested")
        self._take()
        condition = self.alternatives(depth + 1)
        if (closing := self._take()) != ")":
            raise _refused(f"expected ')', found {_shown(closing)}")
        return condition

    def _comparison(self) -> Condition:
        field, operator, literal = self._take(), self._take(), self._take()
        match field:
            case "created_at":
                return _created(operator, literal)
            case "status":
                return _status(operator, literal)
        raise _refused(f"expected 'created_at' or 'status', found {_shown(field)}")


def _created(operator: str, literal: str) -> CreatedWithin:
    ranges = {"gt": (1, None), "ge": (0, None), "lt": (None, -1), "le": (None, 0), "eq": (0, 0)}
    if operator not in ranges:
        raise _refused(f"expected gt, ge, lt, le or eq after 'created_at', found {_shown(operator)}")
    if not _SECONDS.fullmatch(literal):
        raise _refused(f"expected epoch seconds such as 1728860560, found {_shown(literal)}")
    first, last = ranges[operator]
    within = CreatedWithin()
    if first is not None:
        within &= CreatedWithin(first=int(literal) + first)
    if last is not None:
        within &= CreatedWithin(last=int(literal) + last)
    return within


def _status(operator: str, literal: str) -> HasStatus:
    if operator != "eq":
        raise _refused(f"expected eq after 'status', found {_shown(operator)}")
    status = _STATUSES.get(literal[1:-1].lower().replace("_", "")) if literal.startswith("'") else None
    if status is None:
        raise _refused(f"expected a quoted status such as 'Completed', found {_shown(literal)}")
    return HasStatus(status=status)


def _tokens(text: str) -> list[str]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            raise _refused("a quote is never closed")
        tokens.append(found[1])
        position = found.end()
    return tokens


def _shown(token: str) -> str:
    return "the end" if token == _END else f"'{shortened(token)}'"


def _refused(problem: str) -> InvalidRequest:
    message = f"Invalid '$filter': {problem}. Write it like this: {_EXAMPLE}."
    return InvalidRequest(message, code="invalid_value", param="$filter")
