"""Which failures of an ended batch are sent again: all of them, or those of the codes that the caller chose.

Rule of this file: codes are those of the batch's digest of failures, and a line is of the code that the digest counted
it under. A code that the digest does not have is refused: it would retry nothing, or not what was meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.domain.batches.failures import OTHER, Failure, read_failure
from shared.domain.errors import InvalidRequest
from shared.domain.parameters import shortened, wrong_type

CODES: Final = "codes"


class RetryCodes(msgspec.Struct, frozen=True):
    """`chosen` of the codes that are `named`; without any, all failures. `OTHER` is every code that is not named."""

    chosen: frozenset[str] | None
    named: frozenset[str]

    def take(self, error_line: bytes) -> bool:
        """Whether this line of the error file is one of them."""
        if self.chosen is None:
            return True
        code = read_failure(0, error_line).code
        return (code if code in self.named else OTHER) in self.chosen


def parse_codes(fields: Mapping[str, Any]) -> frozenset[str] | None:
    """What the body of the call asks for; None for all. Raises InvalidRequest."""
    codes = fields.get(CODES)
    if codes is None:
        return None
    if not isinstance(codes, list):
        raise wrong_type(CODES, "an array", codes)
    if not codes:
        raise _refused("An empty list of codes retries nothing. Leave it out to retry all that failed.")
    for code in codes:
        if not isinstance(code, str):
            raise wrong_type(CODES, "an array of strings", code)
    return frozenset(codes)


def choose_codes(chosen: frozenset[str] | None, failures: Sequence[Failure]) -> RetryCodes:
    """Of a batch that has ended with `failures`. Raises InvalidRequest for a code that is none of theirs."""
    there = {failure.code for failure in failures}
    for code in sorted((chosen or frozenset()) - there):
        has = f"Those it has: {', '.join(sorted(there))}." if there else "It has none: leave 'codes' out."
        raise _refused(f"No request of this batch failed with the code '{shortened(code)}'. {has}")
    return RetryCodes(chosen=chosen, named=frozenset(there - {OTHER}))


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, code="invalid_value", param=CODES)
