"""How much a batch may get back, as far as its requests say: how many answers, and the longest that each may be.

Rule of this file: a value that is none is as if it was left out; what is wrong with a request, its upstream says.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

_MOST: Final = 10**9


class Asking(Protocol):
    """The fields of a request that bound its answers; whatever is in them."""

    @property
    def n(self) -> object: ...

    @property
    def max_tokens(self) -> object: ...

    @property
    def max_completion_tokens(self) -> object: ...

    @property
    def max_output_tokens(self) -> object: ...


class Answers(msgspec.Struct, frozen=True):
    """Of so many `number`, those that are bounded have up to `bounded_tokens` together; `unbounded` say nothing."""

    number: int = 0
    bounded_tokens: int = 0
    unbounded: int = 0

    def and_of(self, request: Asking) -> Answers:
        """With those of one request more."""
        number = _whole(request.n) or 1
        most = _whole(request.max_completion_tokens) or _whole(request.max_output_tokens) or _whole(request.max_tokens)
        return Answers(
            self.number + number,
            self.bounded_tokens + number * most,
            self.unbounded + (0 if most else number),
        )

    def tokens(self, expected: float) -> int:
        """Of all, where one that says nothing is `expected` to have so many."""
        return self.bounded_tokens + round(self.unbounded * expected)


def _whole(value: object) -> int:
    """0 for what is no sensible number."""
    return value if type(value) is int and 0 < value <= _MOST else 0
