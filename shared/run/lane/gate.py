"""The gate every request of a lane passes: who finds it full waits, and is woken when there may be room.

Single event loop, no locks. How many may be inside says whoever made the gate (`sending`). Request bytes are bounded as
well, for all lanes of the process together, so that long lines do not fill memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from shared.answer_room import Share
from shared.domain.pace.budget import Budget

MaySend = Callable[[], Awaitable[bool]]


class Visit:
    """The place of one line of `size` bytes: `await enter()` before a request, `leave()` after it, however often.

    Whoever is inside and `may_send` not leaves at once.
    `share` is the room that its answer takes until it is stored. At the `end`, all is given back.
    """

    __slots__ = ("_gate", "_inside", "_may_send", "_size", "share")

    def __init__(self, gate: Gate, size: int, share: Share, may_send: MaySend | None = None) -> None:
        self._gate = gate
        self._may_send = may_send
        self._size = size
        self.share = share
        self._inside = False

    async def enter(self) -> bool:
        """Wait for room and take it. False: the gate has been closed, or there is no request to be sent any more."""
        self._inside = await self._gate.enter(self._size)
        if self._inside and self._may_send is not None:
            try:
                may_send = await self._may_send()
            except BaseException:
                self.leave()
                raise
            if not may_send:
                self.leave()
        return self._inside

    def leave(self) -> None:
        """Who is outside stays there."""
        if self._inside:
            self._inside = False
            self._gate.leave(self._size)

    def end(self) -> None:
        self.leave()
        self.share.give_back()


class Gate:
    """`visit` for each line; `most` tells how many may be inside now. One request is always let through."""

    def __init__(self, most: Callable[[], int], budget: Budget) -> None:
        self._most = most
        self._budget = budget
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = False
        self.in_flight = 0

    def visit(self, size: int, share: Share, may_send: MaySend | None = None) -> Visit:
        """For a line of so many bytes; outside at first."""
        return Visit(self, size, share, may_send)

    async def enter(self, size: int) -> bool:
        """Wait for room and take it. True: the caller is inside; False: the gate has been closed."""
        if not await self.opens(size):
            return False
        self.in_flight += 1
        self._budget.take(size)
        return True

    async def opens(self, size: int = 0) -> bool:
        """Wait for room. True: whoever enters before another may do so at once; False: the gate has been closed."""
        while not self._closed and not self._has_room(size):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn in self._waiting:
                    self._waiting.remove(turn)
                else:
                    self.wake()  # This turn had come; let the next have it.
                raise
        return not self._closed

    def leave(self, size: int) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._budget.give_back(size)
        self.wake()

    def close(self) -> None:
        """Let nobody in any more; who waits is turned away."""
        self._closed = True
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)

    def wake(self) -> None:
        """There may be room: let as many look as might find some."""
        if not self._waiting:
            return
        room = self._most() - self.in_flight
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1

    def _has_room(self, size: int) -> bool:
        return self.in_flight == 0 or (self.in_flight < self._most() and self._budget.fits(size))
