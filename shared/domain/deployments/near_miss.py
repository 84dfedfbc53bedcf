"""Words that are not known, and the known one that was probably meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.72


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "") -> str | None:
    """The one of `known` that is most like `word`, whatever its case; a common `prefix` does not count."""
    by_rest = {each.removeprefix(prefix).lower(): each for each in known}
    found = get_close_matches(word.removeprefix(prefix).lower(), by_rest, 1, _ALIKE)
    return by_rest[found[0]] if found else None
