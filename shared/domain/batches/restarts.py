"""How often the run of a batch was started again without getting on, and when it may be started the next time. Pure.

Rule of this file: whatever a run fails of, a start costs little and may help; so the service never gives up, but its
pauses grow, and after MANY starts in vain a person is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.domain.batches.chunk import ChunkRow

MANY: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=5)


class Restarts(msgspec.Struct, frozen=True, kw_only=True):
    """`count` starts in a row, the last one `at`, found the batch where it was: at `progress` (see `progress_of`)."""

    count: int
    at: datetime
    progress: str

    @property
    def next_at(self) -> datetime:
        """Pauses double, from FIRST_PAUSE to LONGEST_PAUSE."""
        doubled: timedelta = FIRST_PAUSE * 2 ** min(self.count - 1, 10)
        return self.at + min(LONGEST_PAUSE, doubled)

    @property
    def are_many(self) -> bool:
        return self.count >= MANY


def progress_of(status: str, rows: Iterable[ChunkRow]) -> str:
    """What changes whenever a batch gets on."""
    counted = list(rows)
    return f"{status}, {sum(row.finished for row in counted)} lines, {sum(row.sealed for row in counted)} chunks"


def in_vain(restarts: Restarts | None, progress: str) -> Restarts | None:
    """`restarts` while they count: None if there were none, or the batch has got on since."""
    return restarts if restarts is not None and restarts.progress == progress else None


def has_to_wait(restarts: Restarts | None, progress: str, now: datetime) -> bool:
    """Whether it is too early for another start. A last start in the future (a clock set back) does not count."""
    last = in_vain(restarts, progress)
    return last is not None and last.at <= now < last.next_at


def one_more(restarts: Restarts | None, progress: str, now: datetime) -> Restarts:
    """The restarts with the one that is about to be made."""
    last = in_vain(restarts, progress)
    return Restarts(count=last.count + 1 if last else 1, at=now, progress=progress)
