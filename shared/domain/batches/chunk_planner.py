"""How the request lines of a file are cut into chunks."""

from __future__ import annotations

from typing import Final

from shared.domain.batches.chunk import Plan, PlannedChunk
from shared.domain.lines.request_line import digest_of

SMALL_CHUNK_LINES: Final = 20
_PARTS: Final = 16


def is_share(lines: int, length: int, left: int) -> bool:
    """Whether a chunk of `lines`, and one more of which it would have `length` bytes, is its part of what is `left`."""
    return lines >= SMALL_CHUNK_LINES and length * _PARTS > left


class ChunkPlanner:
    """Cuts request lines into chunks of at most so many lines and bytes; one line longer than that is one chunk.

    Of a file of `size` bytes, chunks get smaller towards the end: none is more than a sixteenth of what was left before
    it, or SMALL_CHUNK_LINES. Lanes take them in order, so all lanes end together, whatever the file's size.
    A chunk reaches from the first byte of its first request line to the last of its last; between two chunks there
    is nothing but blank lines.
    """

    def __init__(self, max_lines: int, max_bytes: int, size: int) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._size = size
        self._done: list[PlannedChunk] = []
        self._start = self._end = self._first_line = self._lines = self._digest = 0

    @property
    def index(self) -> int:
        """Of the chunk that the next line is added to."""
        return len(self._done)

    def is_full(self, end: int) -> bool:
        """Whether a line that ends at `end` must begin a new chunk: the one before is to be closed first."""
        if not self._lines:
            return False
        length, left = end - self._start, self._size - self._start
        return self._lines >= self._max_lines or length > self._max_bytes or is_share(self._lines, length, left)

    def add(self, text: bytes, *, start: int, end: int, line: int) -> None:
        """One more request line: what it is, without white space around it, where it stands, and its number."""
        if not self._lines:
            self._start, self._first_line, self._digest = start, line, 0
        self._digest = digest_of([text], self._digest)
        self._end = end
        self._lines += 1

    def close(self, tokens: int) -> None:
        """End the chunk, whose requests are so many tokens."""
        self._done.append(
            PlannedChunk(
                index=len(self._done),
                start=self._start,
                length=self._end - self._start,
                first_line=self._first_line,
                lines=self._lines,
                tokens=tokens,
                digest=self._digest,
            )
        )
        self._lines = 0

    def plan(self) -> Plan:
        return Plan(chunks=tuple(self._done))
