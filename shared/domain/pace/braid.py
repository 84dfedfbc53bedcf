"""In which order a lane sends the lines of its chunks: one leader of each prompt prefix, then its followers (ADR 0018).

A prompt cache gives a prefix only after the first answer to it has begun. So of lines with the same prefix one goes
first; leaders of other prefixes and lines that are alone with theirs fill the places until it is answered. Prefixes are
used up one after another, so that few are in use at once and a small cache holds them. No line waits while a place is
free: where nothing better is left, followers go before their leader is answered.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

Line = TypeVar("Line")
Prefix = int

MOST_LEADERS: Final = 24  # Of a lane at once, or a quarter of its places: of four lanes, what most caches hold.
KNOWN_PREFIXES: Final = 256  # Answered last; lines of later chunks that begin so are no leaders.


class Braid(Generic[Line]):
    """`add` the lines of a chunk, `take` one whenever there is room, and tell when a leader was `answered`."""

    def __init__(self) -> None:
        self._fresh: OrderedDict[Prefix, deque[Line]] = OrderedDict()  # Nothing was sent: the first of them is to lead.
        self._led: OrderedDict[Prefix, deque[Line]] = OrderedDict()  # The leader is under way.
        self._free: deque[deque[Line]] = deque()  # What nothing has to go before.
        self._known: OrderedDict[Prefix, None] = OrderedDict()
        self._ready = 0  # Lines of `_free`.
        self._waiting = 0
        self._brought_leaders = False  # The chunk that came last.

    def __len__(self) -> int:
        return self._waiting

    def add(self, lines: Sequence[tuple[Prefix | None, Line]]) -> None:
        """A chunk's lines in input order; those without a prefix, or alone with it, keep that order."""
        self._brought_leaders = False
        self._waiting += len(lines)
        company, free = Counter(prefix for prefix, _ in lines), deque[Line]()
        for prefix, line in lines:
            if prefix is None or prefix in self._known or not self._has_company(prefix, company[prefix]):
                free.append(line)
            elif prefix in self._led:
                self._led[prefix].append(line)
            else:
                self._brought_leaders |= prefix not in self._fresh
                self._fresh.setdefault(prefix, deque()).append(line)
        self._release(free)

    def _has_company(self, prefix: Prefix, lines: int) -> bool:
        return lines > 1 or prefix in self._led or prefix in self._fresh

    @property
    def may_turn(self) -> bool:
        """Whether another line may be the next one when a leader has been answered."""
        return bool(self._fresh or any(self._led.values()))

    def wants_more(self, places: int) -> bool:
        """Whether the next chunk should be added: at the end of what is there, or, for its leaders, before that."""
        if not self:
            return True
        return self._brought_leaders and not self._fresh and self._lacks_leaders(places)

    def take(self, places: int) -> tuple[Line, Prefix | None]:
        """The line to send next, and its prefix if it leads; there must be one. `places`: how many go at once."""
        self._waiting -= 1
        if self._fresh and self._lacks_leaders(places):
            return self._lead()
        if self._free:
            return self._follow(), None
        early = next((lines for lines in self._led.values() if lines), None)
        return (early.popleft(), None) if early else self._lead()

    def give(self) -> list[tuple[Prefix | None, Line]]:
        """All lines of a prefix that nobody has led yet, the last to have its turn; they are another's now."""
        if not self._fresh:
            return []
        prefix, lines = self._fresh.popitem()
        self._waiting -= len(lines)
        return [(prefix, line) for line in lines]

    def _lacks_leaders(self, places: int) -> bool:
        """Until a further one is answered, as many lines go as there are places, or some more."""
        if self._ready and self._ready + sum(map(len, self._led.values())) >= 2 * places - 1:
            return False
        return len(self._led) < max(MOST_LEADERS, places // 4)

    def _lead(self) -> tuple[Line, Prefix]:
        prefix, lines = self._fresh.popitem(last=False)
        self._led[prefix] = lines
        return lines.popleft(), prefix

    def _follow(self) -> Line:
        lines = self._free[0]
        self._ready -= 1
        line = lines.popleft()
        if not lines:
            self._free.popleft()
        return line

    def answered(self, prefix: Prefix) -> None:
        """However the leader's call has ended."""
        self._known[prefix] = None
        self._known.move_to_end(prefix)
        if len(self._known) > KNOWN_PREFIXES:
            self._known.popitem(last=False)
        self._release(self._led.pop(prefix, deque()))

    def _release(self, lines: deque[Line]) -> None:
        if lines:
            self._free.append(lines)
            self._ready += len(lines)
