"""The other lanes of a batch, as their heartbeats show them: which of them have gone and left work behind.

A lane is gone when it neither beats nor says until when it pauses; its chunks are then for those that are there. One
that has ended well is gone, too, and has left nothing. Only a lane whose own looks came regularly may judge: after a
silence of the store everyone seems to be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.domain.pace.heartbeat import Heartbeat

GONE_SECONDS: Final = 15.0  # After it went silent; between two slices a lane is silent for a moment, too.


class Siblings:
    """Of `lane`, among `lanes`. `look` at every look of the watch; times are monotonic seconds."""

    def __init__(self, lane: int, lanes: int, stale_seconds: float) -> None:
        self._others = frozenset(range(lanes)) - {lane}
        self._stale_seconds = stale_seconds
        self._gone_since: dict[int, float] = {}
        self._judged: set[int] = set()
        self._looked_at = float("-inf")

    def look(self, beats: Sequence[Heartbeat], wall: datetime, now: float) -> frozenset[int]:
        """Lanes that have just turned out to be gone; `beats` are those of the batch."""
        if now - self._looked_at > self._stale_seconds:
            self._gone_since.clear()
        self._looked_at = now
        there = {beat.lane for beat in beats if self._is_there(beat, wall)}
        self._judged -= there
        self._gone_since = {lane: self._gone_since.get(lane, now) for lane in self._others - there}
        found = {lane for lane, since in self._gone_since.items() if now - since >= GONE_SECONDS} - self._judged
        self._judged |= found
        return frozenset(found)

    def _is_there(self, beat: Heartbeat, wall: datetime) -> bool:
        last = max(beat.at, beat.paused_until) if beat.paused_until else beat.at
        return (wall - last).total_seconds() <= self._stale_seconds
