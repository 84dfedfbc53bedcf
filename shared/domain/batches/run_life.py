"""Which runs are without life, judged by what can be seen of them from outside. Pure.

A run shows life when its orchestration takes a turn, when one of its lanes beats, and when one of its own long works
(validation, finishing) does. One that is suspended or paused is so by somebody's wish; one whose lanes pause until a
moment to come is alive until then. Any other run whose signs all stay the same for some minutes is without life: its
start message or its timer was lost, or its queue stands still.

Rule of this file: no two clocks are compared. How old a sign is, the watcher's clock alone says, and its looks must
be regular: after a pause of the watcher, as when all hosts were down, everything begins anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.domain.pace.heartbeat import Heartbeat

SILENCE: Final = timedelta(seconds=90)  # Between two looks of a watcher; it looks every 15 s.


class Signs(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of a run: its status and last turn, as the durable host tells them, and its newest beat."""

    status: str
    turned_at: datetime | None
    beat_at: datetime | None
    pauses_until: datetime | None = None
    is_paused: bool = False


def signs_of(
    status: str, turned_at: datetime | None, beats: Iterable[Heartbeat], *, may_pause: bool, is_paused: bool = False
) -> Signs:
    """`may_pause` is false once the batch has to end: a lane's pause is no reason any more to wait for it.

    `is_paused`: its caller wishes that, and it has not to end.
    """
    of_batch = list(beats)
    pauses = [beat.paused_until for beat in of_batch if beat.paused_until is not None] if may_pause else []
    return Signs(
        status=status,
        turned_at=turned_at,
        beat_at=max((beat.at for beat in of_batch), default=None),
        pauses_until=max(pauses, default=None),
        is_paused=is_paused,
    )


class RunLives:
    """The runs that one watcher looks at: since when each has shown the same signs, and when it looked last.

    One that shows the same for `stuck_after` is stuck; a healthy run pauses a minute at most (orchestrators/insist.py).
    """

    def __init__(self, stuck_after: timedelta) -> None:
        self._stuck_after = stuck_after
        self._seen: dict[str, tuple[Signs, datetime, datetime]] = {}

    def is_stuck(self, batch_id: str, signs: Signs, now: datetime) -> bool:
        """To be asked at every look; after True the run is watched as a new one."""
        self._forget_silent(now)
        known, since, _ = self._seen.get(batch_id, (None, now, now))
        pauses = signs.pauses_until is not None and signs.pauses_until > now
        if known != signs or pauses or signs.is_paused or signs.status == "Suspended":
            since = now
        is_stuck = now - since >= self._stuck_after
        self._seen[batch_id] = signs, now if is_stuck else since, now
        return is_stuck

    def _forget_silent(self, now: datetime) -> None:
        """Also when the watcher's clock was set."""
        self._seen = {key: seen for key, seen in self._seen.items() if abs(now - seen[2]) <= SILENCE}
