"""A braid for each of several upstreams, whose prompt caches are their own: lines go to where their prefix is known.

With all places taken it is mostly one upstream that has room, so it is not the upstream that is chosen for a line, but
the line for the upstream. None is left without lines: who has none of its own takes what others have too much of, a
prefix in whole if nobody has led it yet.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, NamedTuple

from shared.domain.pace.braid import Braid, Line, Prefix


class Opening(NamedTuple):
    """The upstream `home` has room, of `places` in all. It `fits`: with one line more it has no more than its part."""

    home: int
    places: int
    fits: bool = True


class Taken(NamedTuple, Generic[Line]):
    """A line to send; `leads`: its prefix if it does, to be told to `braid` when it is answered."""

    line: Line
    leads: Prefix | None
    braid: Braid[Line]
    home: int | None


class Braids(Generic[Line]):
    """`add` the lines of a chunk with their homes, `take` one whenever there is an opening."""

    def __init__(self, homes: int) -> None:
        self._of = [Braid[Line]() for _ in range(homes)]
        self._any = Braid[Line]()  # What no cache will know.
        self._all = [*self._of, self._any]

    def __len__(self) -> int:
        return sum(map(len, self._all))

    @property
    def has_homes(self) -> bool:
        """Whether any line that waits belongs to an upstream."""
        return any(self._of)

    @property
    def may_turn(self) -> bool:
        """Whether a line of no upstream's that would be next now may not be, when another is answered."""
        return self._any.may_turn

    def add(self, lines: Sequence[tuple[Prefix | None, int | None, Line]]) -> None:
        """In input order, each with its prefix and the upstream it belongs to, if to any."""
        sorted_out: dict[int | None, list[tuple[Prefix | None, Line]]] = {}
        for prefix, home, line in lines:
            sorted_out.setdefault(home, []).append((prefix, line))
        for home, found in sorted_out.items():
            (self._any if home is None else self._of[home]).add(found)

    def wants_more(self, homes: Collection[tuple[int, int]], places: int) -> bool:
        """Whether the next chunk should be added: `homes` are the upstreams that have any, with their places.

        `places` are all there are, where no upstream has any.
        """
        if self._any or not homes:
            return self._any.wants_more(places)
        return any(len(self._of[home]) < most or self._of[home].wants_more(most) for home, most in homes)

    def take(self, openings: Sequence[Opening], places: int) -> Taken[Line]:
        """The line to send next, of which there must be one; the first of the `openings` is to be filled first.

        Without any, a line that may go anywhere; then `places` are all there are.
        """
        for home, most, fits in openings:
            if fits and self._of[home]:
                return self._taken(self._of[home], home, most)
        if not openings:
            return self._taken(self._any or max(self._all, key=len), None, places)
        home, most, _ = openings[0]
        return self._taken(self._of[home] or self._any or self._gift_to(home), home, most)

    def _gift_to(self, home: int) -> Braid[Line]:
        """Where it has its next line from, having none."""
        fullest = max(self._of, key=len)
        if not (given := fullest.give()):
            return fullest
        self._of[home].add(given)
        return self._of[home]

    def _taken(self, braid: Braid[Line], home: int | None, places: int) -> Taken[Line]:
        line, leads = braid.take(places)
        return Taken(line, leads, braid, home)
