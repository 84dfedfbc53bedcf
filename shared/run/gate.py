"""The gate every request of a lane passes: how many may be in flight, and how soon the next may start.

Single event loop, no locks. The limit is the smaller of the lane's fair share and its AIMD window; request bytes in
flight are bounded as well, for all lanes of the process together, so that long lines do not fill memory.
"""

from __future__ import annotations

import asyncio
from collections import deque

from shared.domain.budget import Budget
from shared.domain.fair_share import Window


class Gate:
    """`await enter(size)` before a request, `leave(size)` after it. One request is always let through."""

    def __init__(self, share: int, budget: Budget) -> None:
        self._window = Window(share)
        self._budget = budget
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self.in_flight = 0

    async def enter(self, size: int) -> bool:
        """Wait for room and take it. True: the caller is inside; False: the gate has been closed."""
        while not self._closed and not self._has_room(size):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self._wake()  # This turn had come; let the next have it.
                raise
        if self._closed:
            return False
        self.in_flight += 1
        self._budget.take(size)
        return True

    def leave(self, size: int) -> bool:
        """False: the caller is outside."""
        self.in_flight -= 1
        self._budget.give_back(size)
        self._wake()
        return False

    def close(self) -> None:
        """Let nobody in any more; who waits is turned away."""
        self._closed = True
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)

    def set_share(self, share: int) -> None:
        """The lane's share of the deployment's concurrency, at least 1."""
        self._window.resize(share)
        self._wake()

    def throttled(self, now: float) -> None:
        self._window.throttled(now)

    def succeeded(self) -> None:
        self._window.succeeded()

    def _has_room(self, size: int) -> bool:
        if self.in_flight == 0:
            return True
        return self.in_flight < self._window.size and self._budget.fits(size)

    def _wake(self) -> None:
        room = self._window.size - self.in_flight
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1
