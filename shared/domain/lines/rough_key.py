"""Roughly the same as `prefix_key`, of texts that have been found already: validation sees every line of a file.

Which lines begin alike is a guess here, of which nothing depends but the order in which they are sent. Numbers hold
within their process; which of them are equal is the same in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.domain.lines.prefix_key import LEAST_BYTES


class RoughKeys(NamedTuple):
    """`fine` takes the beginning of the last text in, `coarse` does not; 0 where it would be too short."""

    fine: int
    coarse: int


_NONE = RoughKeys(0, 0)
_END: Final = 1024  # Characters at each end of a text, by which and its length it is known.


def rough_keys(texts: Sequence[str]) -> RoughKeys:
    """Those of a prompt whose `texts` are given from its last one to its first; a byte is taken for a character."""
    size = sum(map(len, texts))
    if size < LEAST_BYTES:
        return _NONE
    last = texts[0]
    key = hash(tuple(map(_sketch, texts[1:]))) or 1
    fine = hash((key, last[:LEAST_BYTES])) or 1 if len(last) > LEAST_BYTES else 0
    return RoughKeys(fine, key if size - len(last) >= LEAST_BYTES else 0)


def _sketch(text: str) -> str | tuple[int, str, str]:
    return text if len(text) <= 2 * _END else (len(text), text[:_END], text[-_END:])
