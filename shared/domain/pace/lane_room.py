"""Which lanes may work in one process at once, so that long work never keeps short work waiting.

Rule of this file: no clock, no waiting. A lane holds its place for as long as its slice takes; whoever is asked to make
room ends its slice soon, and whoever it makes room for begins at once. Places are shared out by project, then by batch:
a batch without a lane here comes before one that has some, a new one before those that had their turn, those in the
order they wait.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

TURN_SECONDS: Final = 10.0  # A lane that has worked for so long may be asked to make room for a batch that waits.
NEW_SECONDS: Final = 1.0  # And after so long, for a batch that is new here.
AGAIN_SECONDS: Final = 1.0  # After this time, at the earliest, a batch without a lane here asks again.
SPARE_SECONDS: Final = 30.0  # After this time a further lane of a batch that has one here asks again.
LATE_SECONDS: Final = 15.0  # A batch that has not asked for so long when it was due waits no more: it works elsewhere.
MOST_KNOWN: Final = 10_000  # Batches that are remembered not to be new.


@dataclass(eq=False, slots=True)
class Place:
    """One lane at work. `must_leave`: others wait; let the slice end."""

    batch_id: str
    since: float
    must_leave: bool = False
    project: str = ""


@dataclass(slots=True)
class _Wait:
    since: float
    due: float


@dataclass(slots=True)
class LaneRoom:
    """`size` lanes at work in this process; for a moment up to three quarters more, while some leave.

    Times are monotonic.
    """

    size: int
    _places: list[Place] = field(default_factory=list)
    _waiting: dict[str, _Wait] = field(default_factory=dict)
    _known: dict[str, None] = field(default_factory=dict)

    def enter(self, batch_id: str, now: float, project: str = "") -> Place | float:
        """A place; `leave` it. Or seconds after which to ask again."""
        staying = self._staying()
        if len(staying) >= self.size:
            yielding = self._who_yields(batch_id, project, staying, now)
            if yielding is None or len(self._places) >= self._most(batch_id):
                return self._again(batch_id, now)
            yielding.must_leave = True
        self._waiting.pop(batch_id, None)
        self._remember(batch_id)
        self._places.append(place := Place(batch_id, now, project=project))
        return place

    def leave(self, place: Place) -> None:
        self._places.remove(place)

    def pause_after(self, place: Place, now: float) -> float:
        """How long a lane that was asked to make room waits before it asks for a place again."""
        return self._again(place.batch_id, now) if place.must_leave else 0.0

    def _most(self, batch_id: str) -> int:
        """Lanes here, those that leave included: those that take turns leave room for what is new."""
        quarters = 1 if batch_id in self._known else 3
        return self.size + max(1, self.size * quarters // 4)

    def _staying(self) -> list[Place]:
        return [place for place in self._places if not place.must_leave]

    def _remember(self, batch_id: str) -> None:
        self._known[batch_id] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def _who_yields(self, batch_id: str, project: str, staying: list[Place], now: float) -> Place | None:
        """A lane of the project with the most, if it has two more than this; else one of the projects that have more.

        Of its own, too: of the batch with the most, if it has two more; else, for one with none, the longest.
        """
        projects, batches = Counter(one.project for one in staying), Counter(one.batch_id for one in staying)
        most, own = max(projects.values()), batches[batch_id]
        if most >= projects[project] + 2:
            return _longest_of_most([one for one in staying if projects[one.project] == most])
        larger = [one for one in staying if one.project == project and batches[one.batch_id] >= own + 2]
        if larger:
            return _longest_of_most(larger)
        is_known = batch_id in self._known
        turn = TURN_SECONDS if is_known else NEW_SECONDS
        had_their_turn = [
            one
            for one in staying
            if now - one.since >= turn and (one.project == project or projects[one.project] > projects[project])
        ]
        if own or not had_their_turn or (is_known and self._before(batch_id) >= len(had_their_turn)):
            return None
        return min(had_their_turn, key=lambda one: one.since)

    def _before(self, batch_id: str) -> int:
        """How many batches have waited for longer."""
        own = self._waiting.get(batch_id)
        return sum(own is None or other.since < own.since for other in self._waiting.values())

    def _again(self, batch_id: str, now: float) -> float:
        """The further behind, the later."""
        if any(one.batch_id == batch_id for one in self._staying()):
            return SPARE_SECONDS
        self._waiting = {name: one for name, one in self._waiting.items() if now - one.due < LATE_SECONDS}
        self._remember(batch_id)
        own = self._waiting.setdefault(batch_id, _Wait(now, now))
        seconds = max(AGAIN_SECONDS, TURN_SECONDS * self._before(batch_id) / self.size)
        own.due = now + seconds
        return seconds


def _longest_of_most(places: list[Place]) -> Place:
    """Of the batch with the most of these, the lane that is longest at work."""
    batches = Counter(one.batch_id for one in places)
    return min(places, key=lambda one: (-batches[one.batch_id], one.since))
