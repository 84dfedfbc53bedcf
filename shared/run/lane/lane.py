"""The work of one lane for one slice of time: its chunks, one sliding window of requests over all of them.

Requests slide across chunk borders, so that one slow line never idles the lane. This file is the feeder: it reads
lines, passes the gate and starts calls. The `Keeper` makes finished lines durable, the `Watch` says when to stop.
Whatever goes wrong, lines in flight are waited for and kept.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import PlannedChunk
from shared.domain.deployments.deployment import Deployment
from shared.domain.lines.request_line import custom_id_of, read_line
from shared.domain.pace.drain import Drain
from shared.domain.pace.fair_share import Pacer
from shared.domain.pace.retry import Attempts, RetryPolicy
from shared.run.chunks.keeper import Keeper
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.chunks.plan import read_lines
from shared.run.lane.gate import Gate, Visit
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.line_call import LineCaller
from shared.run.lane.post import Post
from shared.run.lane.signals import Signals
from shared.run.lane.watch import Watch
from shared.services import Services
from shared.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # While requests end: whether they still have time.
_NONE = Attempts()


def _policy(settings: Settings, max_attempts: int) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=max_attempts, first_seconds=settings.retry_first_seconds, max_seconds=settings.retry_max_seconds
    )


class LaneProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the lane has anything left to do, and how long to leave the upstream alone before that.

    `waited_seconds` is the patience a sick upstream has used up; hand it to the next slice.
    """

    done: bool
    wait_seconds: float
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Indexes of `plan`: first its `own`, in this order, then the `others` that are still free."""

    plan: Mapping[int, PlannedChunk]
    own: Sequence[int]
    others: Sequence[int]


class Lane:
    """Works until nothing is left, the slice is over or the batch has to stop.

    What a lane that is gone has left, it takes at once.
    """

    def __init__(
        self,
        service: Services,
        batch: Batch,
        deployment: Deployment,
        post: Post,
        work: Work,
        *,
        waited_seconds: float = 0.0,
    ) -> None:
        settings = service.settings
        self._service = service
        self._batch = batch
        self._post = post
        self._work = work
        self._request_seconds = deployment.request_timeout_seconds
        self._signals = Signals(waited_seconds, settings.patience_seconds, settings.retry_max_seconds)
        self._stop = self._signals.stop
        share = max(1, deployment.max_concurrency // post.lanes)
        self._gate = Gate(share, service.capacity.in_flight, probing=self._signals.health.probing)
        pacer = Pacer(deployment.requests_per_minute, deployment.tokens_per_minute, time.monotonic())
        self._meter = LaneMeter(batch, deployment, lane=post.lane)
        self._watch = Watch(
            service, batch, deployment, post, gate=self._gate, pacer=pacer, signals=self._signals, meter=self._meter
        )
        self._keeper = Keeper(
            service, batch.id, [*work.own, *work.others], lane=post.lane, lanes=post.lanes, stop=self._stop
        )
        self._caller = self._line_caller(deployment, pacer)
        self._calls: set[asyncio.Task[None]] = set()

    def _line_caller(self, deployment: Deployment, pacer: Pacer) -> LineCaller:
        settings = self._service.settings
        return LineCaller(
            batch=self._batch,
            deployment=deployment,
            upstream=self._service.upstream,
            gate=self._gate,
            pacer=pacer,
            errors=_policy(settings, settings.max_attempts),
            throttles=_policy(settings, settings.max_throttled_attempts),
            pause_seconds=settings.pause_seconds,
            remaining_seconds=self._watch.remaining_seconds,
            signals=self._signals,
            meter=self._meter,
        )

    async def run(self) -> LaneProgress:
        """Raises what kept finished lines from being stored; their requests are then sent again by the next call."""
        with self._meter.slice():
            return await self._run()

    async def _run(self) -> LaneProgress:
        if not await self._watch.claim():
            return self._progress(is_done=False, least_wait=self._service.settings.heartbeat_seconds)
        is_done = False
        try:
            await self._watch.begin()
            async with _beside(self._watch.run(), self._watch.run_host()):
                try:
                    await self._work_through()
                finally:
                    await self._keeper.close()  # It may take long: whoever beats meanwhile is not taken for dead.
        finally:
            is_done = self._keeper.done or self._watch.is_over or await self._is_needless()
            await self._watch.leave(is_done=is_done)
        return self._progress(is_done=is_done, least_wait=self._watch.wait_seconds)

    async def _work_through(self) -> None:
        async with _beside(self._keeper.run(), self._close_at_stop()):
            try:
                await self._feed()
            finally:
                await self._drain()

    def _progress(self, *, is_done: bool, least_wait: float) -> LaneProgress:
        wait, remaining = max(self._signals.wait_seconds, least_wait), self._watch.remaining_seconds()
        return LaneProgress(
            done=is_done,
            wait_seconds=wait if remaining is None else min(wait, max(0.0, remaining)),
            waited_seconds=self._signals.waited_seconds,
        )

    async def _is_needless(self) -> bool:
        """Whether the limit is too low for this lane, and other lanes of the batch will do what is left."""
        if not self._watch.is_spare:
            return False
        rows = await self._service.stores.chunks.list(self._batch.id)
        return not any(row.belongs_to(self._post.lane, self._post.lanes) and not row.sealed for row in rows)

    async def _close_at_stop(self) -> None:
        """The feeder may be waiting for requests that never come back."""
        await self._stop.wait()
        self._gate.close()

    async def _feed(self) -> None:
        await self._feed_all()
        self._signals.all_begun = not self._stop.is_set()

    async def _feed_all(self) -> None:
        await self._feed_chunks(self._work.own)
        if self._work.others and not self._stop.is_set():
            claimed = {row.index for row in await self._service.stores.chunks.list(self._batch.id)}
            self._keeper.leave(claimed & set(self._work.others))
            await self._feed_chunks([index for index in self._work.others if index not in claimed])

    async def _feed_chunks(self, indexes: Sequence[int], *, adopts: bool = False) -> None:
        for index in indexes:
            await self._keeper.has_room()
            if self._stop.is_set():
                return
            opened = await self._keeper.open(self._work.plan[index], adopts=adopts)
            if opened is not None:
                await self._feed_chunk(opened)

    async def _feed_abandoned(self) -> None:
        """What lanes that are gone have left; whoever comes first of those that are there has it."""
        gone, rows = self._watch.take_gone(), await self._service.stores.chunks.list(self._batch.id)
        left = [row.index for row in rows if not row.sealed and row.lane % self._post.lanes in gone]
        await self._feed_chunks(left, adopts=True)

    async def _feed_chunk(self, opened: OpenChunk) -> None:
        chunk = opened.chunk
        tokens = chunk.tokens // chunk.lines
        lines = await read_lines(self._service.stores.blobs, self._batch.input_blob, chunk)
        if not opened.has(lines):
            return
        for number, raw in self._in_turn([*lines.items()]):
            if number in opened.journal.finished:
                continue
            if opened.is_over:
                return
            if self._watch.gone:
                await self._feed_abandoned()
            await self._keeper.has_room()
            if not await self._begin(opened, number, raw, tokens):
                return

    def _in_turn(self, lines: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """A sick upstream is asked with any of the lines: one that it cannot answer must not stand for all."""
        if lines and self._signals.health.probing:
            first = random.randrange(len(lines))
            return lines[first:] + lines[:first]
        return lines

    async def _begin(self, opened: OpenChunk, number: int, raw: bytes, tokens: int) -> bool:
        """Start the line's call when there is room. However the call ends, its place is given back.

        False: the gate has been closed.
        """
        visit = self._gate.visit(len(raw))
        if not await visit.enter():
            return False
        call = asyncio.create_task(self._call(opened, number, raw, tokens, visit))
        self._calls.add(call)
        call.add_done_callback(partial(self._ended, visit))
        return True

    def _ended(self, visit: Visit, call: asyncio.Task[None]) -> None:
        visit.leave()
        self._calls.discard(call)

    async def _call(self, opened: OpenChunk, number: int, raw: bytes, tokens: int, visit: Visit) -> None:
        before = opened.journal.attempts.get(number, _NONE)
        try:
            entry = await self._caller.answer(number, read_line(raw), visit, tokens, before)
        except Exception:  # one poisonous line must not take the batch with it
            log.exception("A request line broke its call.", extra={"action": "line_broke", "batch_id": self._batch.id})
            entry = self._caller.broken(number, custom_id_of(raw) or None)
        if entry is not None:
            self._keeper.finish(opened, entry)

    async def _drain(self) -> None:
        """Wait for what was begun: to its end by its own time limit, or shortly where the batch has to end."""
        drain = Drain(self._request_seconds, self._service.settings.drain_seconds)
        try:
            while self._calls:
                stopped, must_end = self._stop.is_set(), self._watch.must_end
                if drain.is_over(time.monotonic(), stopped=stopped, must_end=must_end):
                    return
                await asyncio.wait(self._calls, timeout=LOOK_SECONDS)
        finally:
            await _end(self._calls)


@asynccontextmanager
async def _beside(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
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
