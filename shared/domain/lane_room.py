"""Which lanes may work in one process at once, so that long work never keeps short work waiting.

Rule of this file: no clock, no waiting. A lane holds its place for as long as its slice takes; whoever is asked to make
room ends its slice soon, and whoever it makes room for begins at once. Places are shared out by batch: a batch without
a lane here comes before one that has some, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TURN_SECONDS: Final = 2.0  # A lane that has worked for so long may be asked to make room for another batch.
AGAIN_SECONDS: Final = 1.0  # After this time a batch without a lane here asks again.
SPARE_SECONDS: Final = 30.0  # After this time a further lane of a batch that has one here asks again.
FORGET_SECONDS: Final = 120.0  # A batch that has not asked for so long waits no more.


@dataclass(eq=False, slots=True)
class Place:
    """One lane at work. `must_leave`: others wait; let the slice end."""

    batch_id: str
    since: float
    must_leave: bool = False


@dataclass(slots=True)
class LaneRoom:
    """`size` lanes at work in this process; for a moment more, while some of them make room.

    `waiting` is when batches that found no room asked last. Times are monotonic seconds.
    """

    size: int
    _places: list[Place] = field(default_factory=list)
    _waiting: dict[str, float] = field(default_factory=dict)

    def enter(self, batch_id: str, now: float) -> Place | float:
        """A place; `leave` it. Or seconds after which to ask again."""
        staying = [place for place in self._places if not place.must_leave]
        if len(staying) >= self.size:
            yielding = self._whose_turn_is_over(batch_id, staying, now)
            if yielding is None or len(self._places) >= 2 * self.size:
                return self._again(batch_id, staying, now)
            yielding.must_leave = True
        self._waiting.pop(batch_id, None)
        self._places.append(place := Place(batch_id, now))
        return place

    def leave(self, place: Place) -> None:
        self._places.remove(place)

    def pause_after(self, place: Place, now: float) -> float:
        """How long a lane that was asked to make room waits before it asks for a place again."""
        staying = [one for one in self._places if not one.must_leave]
        return self._again(place.batch_id, staying, now) if place.must_leave else 0.0

    def _whose_turn_is_over(self, batch_id: str, staying: list[Place], now: float) -> Place | None:
        """A lane of the batch with the most, if it has two more than this; or the longest at work, for a new one."""
        counts = {name: sum(one.batch_id == name for one in staying) for name in {one.batch_id for one in staying}}
        own, most = counts.get(batch_id, 0), max(counts.values())
        if most >= own + 2:
            return min((one for one in staying if counts[one.batch_id] == most), key=lambda one: one.since)
        oldest = min(staying, key=lambda one: one.since)
        return oldest if own == 0 and now - oldest.since >= TURN_SECONDS else None

    def _again(self, batch_id: str, staying: list[Place], now: float) -> float:
        """The more batches wait, the longer: places change hands once a turn, not more often."""
        if any(one.batch_id == batch_id for one in staying):
            return SPARE_SECONDS
        self._waiting = {name: at for name, at in self._waiting.items() if now - at < FORGET_SECONDS}
        is_new = batch_id not in self._waiting
        self._waiting[batch_id] = now
        turns = len(self._waiting) / self.size
        return AGAIN_SECONDS if is_new else max(AGAIN_SECONDS, TURN_SECONDS * turns)
