"""Where lines that begin alike stand all over a file: which of them are to be worked on side by side (ADR 0018).

A prompt cache that holds few prefixes has forgotten one by the time its next line comes. So the lines are grouped by
prefix: chunks are made of whole groups, in the order in which these begin, and each chunk keeps its lines in input
order. What is collected here is forty bytes a line.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from shared.domain.batches.chunk_planner import is_share
from shared.domain.lines.rough_key import RoughKeys

LEAST_GAIN: Final = 0.2  # Share of the lines that would find their prefix then, and might not in input order.
MOST_LINES: Final = 200_000
MOST_BYTES: Final = 536_870_912
MOST_CHUNKS: Final = 2_048

_ROW: Final = 5


class Group(NamedTuple):
    """Lines to be worked on as one chunk: their numbers, ascending; about their tokens; `like`: of each, the number of
    the first line of the input that begins alike.
    """

    numbers: tuple[int, ...]
    tokens: int
    like: tuple[int, ...]


class Grouping:
    """`add` every line in input order, then ask once for the `groups`."""

    def __init__(self, max_lines: int, max_bytes: int) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._lines = 0
        self._rows = array("q")  # Of each line `_ROW` numbers: what `add` is given. One call for all: it is often.
        self._numbers = self._sizes = self._rows

    def add(self, keys: RoughKeys, *, number: int, size: int, chunk: int) -> None:
        """`size` is that of the line with a line feed; `chunk`, where the line is if the input's order is kept."""
        if self._lines <= MOST_LINES:
            self._lines += 1
            self._rows.extend((number, size, *keys, chunk))

    def groups(self, tokens: int) -> tuple[Group, ...] | None:
        """None where the input's order is as good. `tokens` are those of all lines."""
        self._numbers, self._sizes, fine, coarse, chunks = (self._rows[column::_ROW] for column in range(_ROW))
        total = sum(self._sizes)
        if self._lines > MOST_LINES or total > MOST_BYTES:
            return None
        firsts = _firsts(fine, coarse)
        if _gain(firsts, chunks) < LEAST_GAIN * self._lines:
            return None
        groups = tuple(self._described(self._cut(_grouped(firsts), total), firsts, tokens / total))
        return groups if len(groups) <= MOST_CHUNKS else None

    def _cut(self, groups: Iterable[list[int]], total: int) -> Iterator[list[int]]:
        """Chunks of whole groups, within the limits of all chunks; only a group that is too large is divided."""
        chunk, length, left = list[int](), 0, total
        for group in groups:
            size = sum(self._sizes[position] for position in group)
            if chunk and self._is_full(len(chunk), len(group), length, size, left):
                yield chunk
                chunk, length, left = [], 0, left - length
            for position in group:
                if chunk and self._is_full(len(chunk), 1, length, self._sizes[position], left):
                    yield chunk
                    chunk, length, left = [], 0, left - length
                chunk.append(position)
                length += self._sizes[position]
        if chunk:
            yield chunk

    def _is_full(self, lines: int, more: int, length: int, size: int, left: int) -> bool:
        """Whether a chunk of `lines` has no room for so many `more`."""
        is_too_large = lines + more > self._max_lines or length + size > self._max_bytes
        return is_too_large or is_share(lines, length + size, left)

    def _described(self, chunks: Iterable[list[int]], firsts: Sequence[int], tokens_a_byte: float) -> Iterator[Group]:
        """The sum of their tokens is exact."""
        done = counted = 0
        for chunk in chunks:
            chunk.sort()
            done += sum(self._sizes[position] for position in chunk)
            tokens = round(done * tokens_a_byte) - counted
            counted += tokens
            yield Group(
                numbers=tuple(self._numbers[position] for position in chunk),
                tokens=tokens,
                like=tuple(self._numbers[firsts[position]] for position in chunk),
            )


def _firsts(fine: Sequence[int], coarse: Sequence[int]) -> list[int]:
    """Of each line the first one that begins alike, in the finer way where it has company; of one alone, itself."""
    company, first_of = Counter(fine), dict[int, int]()
    keys = (one if one and company[one] > 1 else other for one, other in zip(fine, coarse, strict=True))
    return [first_of.setdefault(key, position) if key else position for position, key in enumerate(keys)]


def _gain(firsts: Sequence[int], chunks: Sequence[int]) -> int:
    """How many lines are the first of their prefix in a chunk, but not in the file."""
    pairs = set(zip(firsts, chunks, strict=True))
    return len(pairs) - len({first for first, _ in pairs})


def _grouped(firsts: Sequence[int]) -> Iterable[list[int]]:
    """In the order in which they begin."""
    groups: dict[int, list[int]] = {}
    for position, first in enumerate(firsts):
        groups.setdefault(first, []).append(position)
    return groups.values()
