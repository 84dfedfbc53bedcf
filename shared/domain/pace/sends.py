"""Requests that were sent, and how many of them were refused (429): in all, or of late.

One that is not refused yet counts as accepted: refusals come at once, answers take long.
"""

from __future__ import annotations

from collections import deque
from typing import Final

MEMORY_SECONDS: Final = 5.0
MEMORY_SENDS: Final = 40  # Or so many, where they take longer.


class Tally:
    def __init__(self) -> None:
        self.sent = self.refused = 0.0

    @property
    def share(self) -> float:
        """That was refused."""
        return min(1.0, self.refused / self.sent) if self.sent else 0.0

    def keep(self, most: int) -> None:
        """Of more than so many, what is long ago counts half."""
        if self.sent > most:
            self.sent /= 2
            self.refused /= 2


class RecentSends:
    """Times in seconds, ascending."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque()
        self._refused: deque[float] = deque()

    def sent(self, now: float) -> None:
        self._sent.append(now)
        while len(self._sent) > MEMORY_SENDS and self._sent[0] < now - MEMORY_SECONDS:
            self._sent.popleft()

    def refused(self, now: float) -> int:
        """Returns how many have been."""
        self._refused.append(now)
        while self._sent and self._refused[0] < self._sent[0]:
            self._refused.popleft()
        return len(self._refused)

    @property
    def share(self) -> float:
        """That was refused."""
        return min(1.0, len(self._refused) / len(self._sent)) if self._sent else 0.0

    def per_second(self, now: float) -> float:
        return len(self._sent) / max(1.0, now - self._sent[0]) if self._sent else 0.0

    def accepted_per_second(self, now: float) -> float:
        return self.per_second(now) * (1.0 - self.share)
