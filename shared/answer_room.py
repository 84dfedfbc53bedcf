"""How many bytes of upstreams' answers a process holds at once, all lanes together.

Rule of this file: a large answer takes room as it arrives, and waits where there is none; so its upstream waits. It has
its room until its bytes are stored. One reader always goes on, whatever it needs, so that not all of them wait for each
other for ever.
"""

from __future__ import annotations

import asyncio
from typing import Self

from shared.domain.pace.budget import Budget


class AnswerRoom:
    """`with room.share() as share`: what the share takes is given back at the end."""

    def __init__(self, size: int) -> None:
        self._budget = Budget(size)
        self._waiting: list[asyncio.Future[None]] = []
        self._ahead: Share | None = None  # the one that need not wait

    @property
    def left(self) -> int:
        """Below zero while the reader that need not wait has more than there was."""
        return self._budget.left

    def share(self) -> Share:
        return Share(self)

    def takes(self, share: Share, size: int) -> bool:
        """Take `size` bytes if there is room for them, or if no other answer is the one that may exceed it."""
        if not self._budget.fits(size):
            if self._ahead not in (None, share):
                return False
            self._ahead = share
        self._budget.take(size)
        return True

    async def change(self) -> None:
        """Wait until something was given back."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def give_back(self, share: Share, size: int) -> None:
        self._budget.give_back(size)
        if self._ahead is share:
            self._ahead = None
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.get_loop().call_soon_threadsafe(_wake, turn)


class Share:
    """What one answer has taken."""

    __slots__ = ("_held", "_room")

    def __init__(self, room: AnswerRoom) -> None:
        self._room = room
        self._held = 0

    async def take(self, size: int, deadline: float) -> None:
        """Take `size` more bytes, waiting for room. TimeoutError: there was none by `deadline`, in the loop's time."""
        if not self._room.takes(self, size):
            async with asyncio.timeout_at(deadline):
                while not self._room.takes(self, size):
                    await self._room.change()
        self._held += size

    @property
    def is_large(self) -> bool:
        """Whether it has taken anything."""
        return self._held > 0

    def give_back(self) -> None:
        """What it has taken; it may take again."""
        if self._held:
            held, self._held = self._held, 0
            self._room.give_back(self, held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
