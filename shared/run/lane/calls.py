"""The calls of a slice that are under way: begun when the gate has room, waited for in the end.

However a call ends, its place in the gate and its answer's room are given back, and what it brought goes to the writer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from shared.answer_room import AnswerRoom
from shared.domain.lines.request_line import custom_id_of, read_line
from shared.domain.pace.retry import Attempts
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.chunks.result_writer import ResultWriter
from shared.run.lane.gate import Gate, Visit
from shared.run.lane.line_call import LineCaller
from shared.run.lane.purse import Purse

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5  # While requests end: whether they still have time.
_NONE: Final = Attempts()


class Calls:
    """`begin` one for each line; `drain` before the slice is over."""

    def __init__(self, purse: Purse, caller: LineCaller, writer: ResultWriter, gate: Gate, answers: AnswerRoom) -> None:
        self._purse = purse
        self._batch_id = purse.batch_id
        self._caller = caller
        self._writer = writer
        self._gate = gate
        self._answers = answers
        self._under_way: set[asyncio.Task[None]] = set()

    async def begin(
        self, opened: OpenChunk, number: int, raw: bytes, tokens: int, then: Callable[[], None] | None = None
    ) -> bool:
        """Start the line's call when there is room; `then` is called at its end.

        False: the gate has been closed, or no money is left.
        """
        visit = self._gate.visit(len(raw), self._answers.share(), self._purse.permit(opened))
        if not await visit.enter():
            return False
        call = asyncio.create_task(self._call(opened, number, raw, tokens, visit))
        self._under_way.add(call)
        if then:
            call.add_done_callback(lambda _: then())
        call.add_done_callback(partial(self._ended, visit))
        return True

    def _ended(self, visit: Visit, call: asyncio.Task[None]) -> None:
        visit.end()
        self._under_way.discard(call)

    async def _call(self, opened: OpenChunk, number: int, raw: bytes, tokens: int, visit: Visit) -> None:
        await self._answer(opened, number, raw, tokens, visit)
        if visit.share.is_large:  # Its bytes are in memory until they are stored: until then, nobody else is asked.
            await opened.written()

    async def _answer(self, opened: OpenChunk, number: int, raw: bytes, tokens: int, visit: Visit) -> None:
        before = opened.journal.attempts.get(number, _NONE)
        try:
            entry = await self._caller.answer(number, read_line(raw), visit, tokens, before)
        except Exception:  # one poisonous line must not take the batch with it
            log.exception("A request line broke its call.", extra={"action": "line_broke", "batch_id": self._batch_id})
            entry = self._caller.broken(number, custom_id_of(raw) or None)
        if entry is not None:
            self._writer.finish(opened, entry)

    async def drain(self, is_over: Callable[[float], bool]) -> None:
        """Wait for what was begun, until time `is_over`; it is given monotonic seconds. The rest is cut off."""
        try:
            while self._under_way and not is_over(time.monotonic()):
                await asyncio.wait(self._under_way, timeout=LOOK_SECONDS)
        finally:
            await _end(self._under_way)


@asynccontextmanager
async def beside(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless loops for as long as the block takes, however it ends: one left behind would beat for ever."""
    running = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        await _end(running)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in (ending := list(tasks)):
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
