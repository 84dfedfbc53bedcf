"""How soon a journal is written again: at once where a write is cheap, in larger groups where it is dear.

What a write costs is measured as the time it takes: half a millisecond on a local disk, ten or more on a storage
account, which also bills each one. Two bounds follow from it. Writing takes a small share of a lane's time; and a write
is worth its price when enough lines wait for it, one for each millisecond.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

TIME_SHARE: Final = 0.06  # Of a lane's time, spent on writing.
SECONDS_A_LINE: Final = 0.001  # So long a write may be for each line that it saves from being sent again.
MEMORY: Final = 8  # Writes of which the quickest counts: the others waited for the processor, not for the store.


class WritePace:
    """Tell it how long each write took. Until the first one, writes count as free."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=MEMORY)

    def wrote(self, seconds: float) -> None:
        self._seconds.append(seconds)

    @property
    def pause_seconds(self) -> float:
        """From the end of a write to the next one."""
        return self._cost * (1 / TIME_SHARE - 1)

    @property
    def lines(self) -> int:
        """How many make a write worth its price; at least one."""
        return max(1, math.ceil(self._cost / SECONDS_A_LINE))

    @property
    def _cost(self) -> float:
        return min(self._seconds, default=0.0)
