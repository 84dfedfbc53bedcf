"""How many bytes of large answers a process holds at once, all lanes together.

Rule of this file: whoever holds such bytes has taken room for them, and waits where there is none. An answer takes it
as it arrives, so its upstream waits, and has it until its bytes are stored; a result that is read back from a journal,
until it is staged. One share always goes on, whatever it needs, so that not all of them wait for each other for ever:
hence whoever has a share waits for no other one, and for nobody who does.
"""

from __future__ import annotations

import asyncio
from typing import Final, Self

from shared.domain.pace.budget import Budget

READ_BACK_BYTES: Final = 33_554_432


class ResultMemory:
    """What results may take between their journal and their seal.

    `kept`: bytes that need not be read back. `read_back`: room for those that are; of its own, so that nobody who reads
    a journal waits for an upstream.
    """

    def __init__(self, kept_bytes: int, read_back_bytes: int = READ_BACK_BYTES) -> None:
        self.kept = Budget(kept_bytes)
        self.read_back = AnswerRoom(read_back_bytes)


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
        if self._ahead is share and not share.is_large:
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

    async def take(self, size: int, deadline: float | None = None) -> None:
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

    def give_back(self, *, but: int = 0) -> None:
        """What it has taken `but` for so many bytes; it may take again."""
        if self._held > but:
            size, self._held = self._held - but, but
            self._room.give_back(self, size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.give_back()


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
