"""How soon a journal is written again: at once where a write is cheap, in larger groups where it is dear.

What a write costs is measured as the time it takes: half a millisecond on a local disk, ten or more on a storage
account, which also bills each one. Two bounds follow from it. Writing takes a small share of a lane's time; and a write
is worth its price when enough lines wait for it, one for each millisecond.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

TIME_SHARE: Final = 0.04  # Of a lane's time, spent on writing.
DEAR_SECONDS: Final = 0.0012  # A write that takes longer shows a store that is far away or busy: it is spared.
SECONDS_A_LINE: Final = 0.001  # So long a write may be for each line that it saves from being sent again.
MOST_WORTH: Final = 16  # Lines that are worth any write.
MEMORY: Final = 8  # Writes of which the quickest counts: the others waited for the processor, not for the store.


class WritePace:
    """Tell it how long each write took. Until the first one, writes count as free.

    `longest_seconds`: no line waits longer. `most_lines`: so many never wait.
    """

    def __init__(self, longest_seconds: float, most_lines: int) -> None:
        self._longest_seconds = longest_seconds
        self._most_lines = most_lines
        self._seconds: deque[float] = deque(maxlen=MEMORY)

    def wrote(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def enough(self, since_seconds: float) -> tuple[int, float]:
        """How many lines make a write due so long after the last one, and for how many seconds more that holds.

        The first line after a long silence is written at once: in the long run that makes no more writes.
        """
        cost = min(self._seconds, default=0.0)
        share = TIME_SHARE / max(1.0, cost / DEAR_SECONDS)
        pause = min(cost * (1 / share - 1), self._longest_seconds)
        if since_seconds < pause:
            return self._most_lines, pause - since_seconds
        if since_seconds < self._longest_seconds:
            worth = max(1, math.ceil(cost / SECONDS_A_LINE))
            return min(worth, MOST_WORTH, self._most_lines), self._longest_seconds - since_seconds
        return 1, math.inf
