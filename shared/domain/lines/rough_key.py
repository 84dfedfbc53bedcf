"""Roughly the same as `prefix_key`, of texts that have been found already: validation sees every line of a file.

Which lines begin alike is a guess here, of which nothing depends but the order in which they are sent. Numbers hold
within their process; which of them are equal is the same in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.domain.lines.prefix_key import LEAST_BYTES


class RoughKeys(NamedTuple):
    """`fine` takes the beginning of the last text in, `coarse` does not; 0 where it would be too short."""

    fine: int
    coarse: int


_NONE = RoughKeys(0, 0)


def rough_keys(texts: Sequence[str]) -> RoughKeys:
    """Those of a prompt whose `texts` are given from its last one to its first; a byte is taken for a character."""
    size = sum(map(len, texts))
    if size < LEAST_BYTES:
        return _NONE
    last, *shared = texts
    key = hash(tuple(shared)) or 1
    fine = hash((key, last[:LEAST_BYTES])) or 1 if len(last) > LEAST_BYTES else 0
    return RoughKeys(fine, key if size - len(last) >= LEAST_BYTES else 0)
