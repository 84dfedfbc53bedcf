"""How far lines may leave the order of their file for the sake of the upstream's prompt cache (ADR 0018)."""

from __future__ import annotations

from typing import Final, Literal

Neighbours = Literal["neighbours"]
Leaders = bool | Neighbours  # All over the file where that helps, among neighbouring lines only, or not at all.

NEIGHBOURS: Final[Neighbours] = "neighbours"


def narrower(one: Leaders, other: Leaders) -> Leaders:
    """What both allow."""
    if one is False or other is False:
        return False
    return NEIGHBOURS if NEIGHBOURS in (one, other) else True
