"""Lines that begin alike, with what they share written once: how a chunk of a grouped copy is stored (ADR 0018).

A line stands there as it is, or as `<n> <start there> <bytes> <start here> <the rest>`: it shares that run of bytes
with the n-th whole line before it. A run is sought from `"body"` on: what stands before that is a line's own.
"""

from __future__ import annotations

from typing import Final

LEAST_SHARED: Final = 512
_STEP: Final = 128  # Shared runs are multiples of it: where exactly one ends is not worth looking for.
_BODY: Final = b'"body"'


class AlikeLines:
    """`add` the lines of one chunk, or of a part of it, then take `data`, which is to be stored."""

    def __init__(self) -> None:
        self._stored: list[bytes] = []
        self._whole = 0  # How many of them.
        self._first: dict[int, _First] = {}  # By what lines are like.

    def add(self, line: bytes, like: int) -> int:
        """A request line without white space around it, and which others begin alike. Returns the bytes it takes."""
        first = self._first.get(like)
        stored = self._shortened(line, first) if first else None
        if stored is None:
            stored, self._first[like] = line, _First(line, self._whole)
            self._whole += 1
        self._stored.append(stored)
        return len(stored) + 1

    def _shortened(self, line: bytes, first: _First) -> bytes | None:
        """None if it shares too little."""
        start = max(0, line.find(_BODY))
        shared = first.shared(line, start)
        if shared < LEAST_SHARED:
            return None
        place = b"%d %d %d %d " % (self._whole - first.index, first.start, shared, start)
        return b"".join((place, line[:start], line[start + shared :]))

    def data(self) -> bytes:
        return b"\n".join((*self._stored, b""))


class _First:
    """A whole line that others begin like: the `index`-th one."""

    def __init__(self, line: bytes, index: int) -> None:
        self.index = index
        self.start = max(0, line.find(_BODY))
        self._line = line
        self._steps = 0  # That the last one shared, as the next one probably does.

    def shared(self, line: bytes, start: int) -> int:
        """How many bytes are equal, a step less at most. Never to the end: a stored line ends in what is its own."""
        low, high = 0, (min(len(line) - start, len(self._line) - self.start) - 1) // _STEP + 1
        guesses = iter((self._steps, self._steps + 1))
        while high - low > 1:
            middle = next(guesses, low)
            if not low < middle < high:
                middle = (low + high) // 2
            done, until = low * _STEP, middle * _STEP
            if line[start + done : start + until] == self._line[self.start + done : self.start + until]:
                low = middle
            else:
                high = middle
        self._steps = low
        return low * _STEP


def whole_lines(data: bytes) -> list[bytes]:
    """The lines that were stored as `data`, in their order; an empty one in place of each that cannot be read."""
    whole, lines = list[bytes](), list[bytes]()
    for stored in data.split(b"\n"):
        if stored.startswith(b"{"):
            whole.append(stored)
            lines.append(stored)
        elif stored:
            lines.append(_completed(stored, whole))
    return lines


def _completed(stored: bytes, whole: list[bytes]) -> bytes:
    try:
        *place, rest = stored.split(b" ", 4)
        back, start_there, shared, start = map(int, place)
        there = whole[-back]
    except (ValueError, IndexError):
        return b""
    return b"".join((rest[:start], there[start_there : start_there + shared], rest[start:]))
