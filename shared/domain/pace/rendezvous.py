"""Which of several equals a prompt's prefix belongs to: the same one for all lanes, with nothing kept or agreed on.

Rendezvous hashing, weighted: each equal draws a number for the key, the best draw has it. When one goes, its keys are
spread over the others and all other keys stay; when it comes back, it has its own again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import log
from typing import Final, NamedTuple

_MASK: Final = (1 << 64) - 1
_WHOLE: Final = float(1 << 64)
_ODD: Final = 0x9E3779B97F4A7C15  # 2 to the 64 over the golden ratio: the high bits depend on all of the others.


class Equal(NamedTuple):
    """One of them; `seed` is `seed_of` what it is known by, `weight` its part."""

    seed: int
    weight: float = 1.0


def seed_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode(), usedforsecurity=False).digest()[:8], "big")


def belongs_to(key: int, equals: Sequence[Equal]) -> int:
    """The place in the list, which must not be empty, of the one that `key`, of 64 bits, belongs to.

    Draws are exponential with the weight as their rate: the least of several falls to each with its weight's chance.
    """
    drawn = [-log((((key ^ seed) * _ODD & _MASK) + 1) / _WHOLE) / weight for seed, weight in equals]
    return drawn.index(min(drawn))
