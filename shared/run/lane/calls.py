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
from shared.domain.lines.request_line import custom_id_of, read_line, with_cache_key
from shared.domain.pace.retry import Attempts
from shared.run.chunks.result_writer import ResultWriter
from shared.run.lane.gate import Gate, Visit
from shared.run.lane.line_call import LineCaller
from shared.run.lane.lineup import Waiting
from shared.run.lane.purse import Purse
from shared.run.lane.target_pace import TargetPace

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
        self,
        line: Waiting,
        then: Callable[[], None] | None = None,
        first: TargetPace | None = None,
    ) -> bool:
        """Start the line's call when there is room, at target `first` if that has any; `then` is called at its end.

        False: the gate has been closed, or no money is left.
        """
        visit = self._gate.visit(len(line.raw), self._answers.share(), self._purse.permit(line.opened))
        if not await visit.enter():
            return False
        call = asyncio.create_task(self._call(line, visit, first))
        self._under_way.add(call)
        if then:
            call.add_done_callback(lambda _: then())
        call.add_done_callback(partial(self._ended, visit))
        if first is not None:
            await asyncio.sleep(0)  # It is with its target before the next line is chosen.
        return True

    def _ended(self, visit: Visit, call: asyncio.Task[None]) -> None:
        visit.end()
        self._under_way.discard(call)

    async def _call(self, line: Waiting, visit: Visit, first: TargetPace | None) -> None:
        await self._answer(line, visit, first)
        if visit.share.is_large:  # Its bytes are in memory until they are stored: until then, nobody else is asked.
            await line.opened.written()

    async def _answer(self, line: Waiting, visit: Visit, first: TargetPace | None) -> None:
        opened, number, raw, tokens, prefix = line
        before = opened.journal.attempts.get(number, _NONE)
        try:
            request = read_line(raw) if prefix is None else with_cache_key(read_line(raw), prefix)
            entry = await self._caller.answer(number, request, visit, tokens, before, first=first)
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
