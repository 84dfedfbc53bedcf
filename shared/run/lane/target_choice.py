"""Which of a lane's targets: for a request that is to go now, for a prompt's prefix, and which of them want lines.

Rule of this file: only targets of equal rank share; those of a higher one get what the others have no room for.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from shared.domain.pace.braid import Prefix
from shared.domain.pace.braids import Opening
from shared.domain.pace.rendezvous import belongs_to
from shared.run.lane.target_pace import TargetPace

MOST_OVER: Final = 1.25  # Times its part: above it a target gets no lines for the sake of its cache.


def preferred(targets: Sequence[TargetPace], tried: Collection[TargetPace]) -> list[TargetPace]:
    """Those with room, the first to be asked first; those that a line has `tried` only where no other has room."""
    with_room = [target for target in targets if target.room]
    fresh = [target for target in with_room if target not in tried] if tried else with_room
    return sorted(fresh or with_room, key=TargetPace.rank)


def homes(targets: Sequence[TargetPace]) -> list[int]:
    """The numbers of those to which prefixes belong now: the first in rank that are there, and well if any is."""
    there = [number for number, target in enumerate(targets) if target.is_there]
    there = [number for number in there if not targets[number].health.probing] or there
    return _first_in_rank(targets, there)


def homes_of(prefixes: Sequence[Prefix | None], targets: Sequence[TargetPace]) -> list[int | None]:
    """The number of the target that each prefix belongs to; None where there is none, or no prefix."""
    numbers = homes(targets)
    equals = [targets[number].equal for number in numbers]
    found = {prefix: numbers[belongs_to(prefix, equals)] for prefix in set(prefixes) if prefix is not None and numbers}
    return [found.get(prefix) if prefix is not None else None for prefix in prefixes]


def openings(targets: Sequence[TargetPace], tokens: int, now: float) -> tuple[list[Opening], float]:
    """Those to which a request of so many estimated `tokens` may go now, the first to be filled first, and 0.

    Else none, and the seconds until one may be asked that has room; none and 0: none has room.
    """
    waits = {number: target.wait(tokens, now) for number, target in enumerate(targets) if target.room}
    ready = [number for number, wait in waits.items() if wait == 0.0]
    if not ready:
        return [], min(waits.values(), default=0.0)
    if len(ready) == 1:
        return [Opening(ready[0], targets[ready[0]].most)], 0.0
    found = _first_in_rank(targets, ready)
    equals = [target for target in targets if target.group == targets[found[0]].group and target.is_there]
    sent, weight = sum(target.in_flight for target in equals), sum(target.target.weight for target in equals)
    most = MOST_OVER * (sent + 1) / weight
    found.sort(key=lambda number: targets[number].rank())
    return [
        Opening(number, one.most, one.in_flight < math.ceil(most * one.target.weight))
        for number in found
        for one in [targets[number]]
    ], 0.0


def _first_in_rank(targets: Sequence[TargetPace], numbers: Sequence[int]) -> list[int]:
    first = min((targets[number].group for number in numbers), default=None)
    return [number for number in numbers if targets[number].group == first]
