"""The work of one lane for one slice of time: its chunks, one sliding window of requests over all of them.

Requests slide across chunk borders, so that one slow line never idles the lane. This file is the feeder: it reads
lines and begins their calls as the gate lets them in, in the order of the `Lineup`. The `ResultWriter` makes finished
lines durable, `Sending` says when a request may go, the `Watch` when to stop. Whatever goes wrong, lines in flight are
waited for and kept.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from shared.domain.batches.lane_work import Work, has_open_chunk, left_by
from shared.domain.deployments.deployment import Deployment, Target
from shared.domain.deployments.leaders import narrower
from shared.domain.endpoints import ENDPOINTS
from shared.domain.pace.drain import Drain
from shared.domain.pace.lane_decision import until_next_slice
from shared.domain.pace.lane_part import Limits, Own, Terms, first_part
from shared.domain.pace.upstream_health import Patience
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.chunks.plan import read_lines
from shared.run.chunks.result_writer import ResultWriter
from shared.run.lane.calls import Calls, beside
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.line_call import LineCaller
from shared.run.lane.lineup import Lineup, Waiting
from shared.run.lane.post import Post
from shared.run.lane.purse import Purse
from shared.run.lane.sending import Sending
from shared.run.lane.surroundings import AskRun, Surroundings
from shared.run.lane.watch import Watch
from shared.services import Services
from shared.settings import Settings


class LaneProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the lane has anything left to do, and how long to leave the upstream alone before that.

    `waited_seconds` is the patience a sick upstream has used up; hand it to the next slice.
    """

    done: bool
    wait_seconds: float
    waited_seconds: float


class Lane:
    """Works until nothing is left, the slice is over or the batch has to stop.

    What a lane that is gone has left, it takes at once.
    """

    def __init__(
        self, service: Services, post: Post, work: Work, *, ask_run: AskRun, waited_seconds: float = 0.0
    ) -> None:
        settings, terms = service.settings, terms_of(service.settings, post)
        patience = Patience(
            waited_seconds=waited_seconds,
            most_seconds=settings.patience_seconds,
            probe_seconds=settings.retry_max_seconds,
        )
        self._service = service
        self._post = post
        self._work = work
        self._sending = Sending(
            post.deployment.upstreams, first_part(terms), patience, service.capacity.in_flight, time.monotonic()
        )
        self._stop = self._sending.stop
        self._meter = LaneMeter(post.batch, post.deployment, lane=post.lane)
        surroundings = Surroundings(ask_run, settings.lane_times.run_seconds)
        self._watch = Watch(service, post, terms, sending=self._sending, surroundings=surroundings, meter=self._meter)
        self._writer = ResultWriter(
            service, post.batch, [*work.own, *work.others], lane=post.lane, lanes=post.lanes, stop=self._stop
        )
        caller = LineCaller(service, post, self._sending, self._meter)
        purse = Purse(service, post, self._stop)
        self._calls = Calls(purse, caller, self._writer, self._sending.gate, service.capacity.answers)
        leaders = narrower(post.deployment.leaders_first, post.batch.leaders_first)
        endpoint = ENDPOINTS[post.batch.endpoint]
        self._new_lineup = partial(
            Lineup,
            self._sending,
            braids=leaders is not False and endpoint.is_prompted,
            keys=post.deployment.prompt_cache_key and endpoint.takes_cache_key,
        )
        self._lineup = self._new_lineup()
        self._to_come = 0  # Lines of the chunks that are to be fed after this one.

    async def run(self) -> LaneProgress:
        """Raises what kept finished lines from being stored; their requests are then sent again by the next call."""
        with self._meter.slice():
            return await self._run()

    async def _run(self) -> LaneProgress:
        if not await self._watch.claim():
            return self._progress(is_done=False, rest=self._service.settings.heartbeat_seconds)
        try:
            await self._watch.begin()
            async with beside(self._watch.run(), self._watch.run_host()):
                try:
                    await self._work_through()
                finally:
                    await self._writer.close()  # It may take long: whoever beats meanwhile is not taken for dead.
        finally:
            is_done = self._writer.done or self._watch.decision.is_over or await self._is_needless()
            await self._watch.leave(is_done=is_done)
        return self._progress(is_done=is_done, rest=self._watch.wait_seconds)

    async def _work_through(self) -> None:
        async with beside(self._writer.run(), self._close_at_stop()):
            try:
                await self._feed()
            finally:
                await self._drain()

    def _progress(self, *, is_done: bool, rest: float) -> LaneProgress:
        remaining = self._post.batch.remaining_seconds(self._service.now())
        return LaneProgress(
            done=is_done,
            wait_seconds=until_next_slice(rest, self._sending.wait_seconds, remaining),
            waited_seconds=self._sending.waited_seconds,
        )

    async def _is_needless(self) -> bool:
        """Whether the limit is too low for this lane, and other lanes of the batch will do what is left."""
        if not self._watch.decision.part.is_spare:
            return False
        rows = await self._service.stores.chunks.list(self._post.batch.id)
        return not has_open_chunk(rows, self._post.lane, self._post.lanes)

    async def _close_at_stop(self) -> None:
        """The feeder may be waiting for requests that never come back."""
        await self._stop.wait()
        self._sending.gate.close()

    async def _feed(self) -> None:
        await self._feed_all()
        self._sending.begins = self._stop.is_set()

    async def _feed_all(self) -> None:
        await self._feed_chunks(self._work.own)
        if self._work.others and not self._stop.is_set():
            claimed = {row.index for row in await self._service.stores.chunks.list(self._post.batch.id)}
            self._writer.leave(claimed & set(self._work.others))
            await self._feed_chunks([index for index in self._work.others if index not in claimed])
        await self._feed_lines(lambda: False)

    async def _feed_chunks(self, indexes: Sequence[int], *, adopts: bool = False) -> None:
        self._to_come = sum(self._work.plan[index].lines for index in indexes)
        for index in indexes:
            self._to_come -= self._work.plan[index].lines
            await self._has_room()
            if self._stop.is_set():
                return
            opened = await self._writer.open(self._work.plan[index], adopts=adopts)
            if opened is not None:
                await self._feed_chunk(opened)

    async def _feed_abandoned(self) -> None:
        """What lanes that are gone have left, before all else; whoever comes first of those that are there has it."""
        gone = await self._watch.take_gone()
        rows = await self._service.stores.chunks.list(self._post.batch.id)
        waiting, to_come = self._lineup, self._to_come
        self._lineup = self._new_lineup()
        await self._feed_chunks(left_by(gone, rows, self._post.lanes), adopts=True)
        await self._feed_lines(lambda: False)
        self._lineup, self._to_come = waiting, to_come

    async def _feed_chunk(self, opened: OpenChunk) -> None:
        """Begin its lines, until the next chunk should be opened."""
        chunk = opened.chunk
        tokens = chunk.tokens // chunk.lines
        lines = await read_lines(self._service.stores.blobs, self._post.source, chunk)
        if not opened.has(lines):
            return
        left = [Waiting(opened, *line, tokens) for line in lines.items() if line[0] not in opened.journal.finished]
        self._lineup.add(self._in_turn(left))
        await self._feed_lines(self._wants_more)

    def _wants_more(self) -> bool:
        """Whether lines of the next chunk are wanted before its turn, and there is room for them to wait."""
        return not self._writer.is_half_full and self._lineup.wants_more(self._to_come)

    async def _feed_lines(self, is_over: Callable[[], bool]) -> None:
        """Until none is left, or it `is_over`: after one at least, so that reading ahead never keeps all from going."""
        begun = False
        while self._lineup and not (begun and is_over()):
            begun = True
            if self._watch.gone:
                await self._feed_abandoned()
            await self._has_room()
            line, answered, target = await self._lineup.take()
            if line.opened.is_over:
                self._sending.gate.wake()  # The turn goes to whoever else waits there.
                if answered:
                    answered()
            elif not await self._calls.begin(line, answered, target):
                return

    async def _has_room(self) -> None:
        """A line that waits for others to be answered must not wait for those that wait for its chunk to end."""
        self._sending.begins = not self._writer.is_full
        await self._writer.has_room()
        self._sending.begins = True

    def _in_turn(self, lines: list[Waiting]) -> list[Waiting]:
        """A sick upstream is asked with any of the lines: one that it cannot answer must not stand for all."""
        if lines and self._sending.probing:
            first = random.randrange(len(lines))
            return lines[first:] + lines[:first]
        return lines

    async def _drain(self) -> None:
        """Wait for what was begun: to its end by its own time limit, or shortly where the batch has to end."""
        drain = Drain(self._post.deployment.request_timeout_seconds, self._service.settings.drain_seconds)
        await self._calls.drain(
            lambda now: drain.is_over(now, stopped=self._stop.is_set(), must_end=self._watch.decision.must_end)
        )


def terms_of(settings: Settings, post: Post) -> Terms:
    """What the decisions of the lane at `post` rest on."""
    deployment = post.deployment
    return Terms(
        own=Own(batch_id=post.batch.id, lane=post.lane, lanes=post.lanes, holder=post.holder, claim=post.claim),
        limits=_limits_of(deployment),
        targets=tuple(_limits_of(target) for target in deployment.targets),
        heartbeat_seconds=settings.heartbeat_seconds,
        stale_seconds=settings.stale_seconds,
        turn_seconds=settings.lane_times.turn_seconds,
    )


def _limits_of(upstream: Deployment) -> Limits:
    """Of a deployment or a target."""
    return Limits(
        concurrency=upstream.max_concurrency,
        requests_per_minute=upstream.requests_per_minute,
        tokens_per_minute=upstream.tokens_per_minute,
        target=upstream.target if isinstance(upstream, Target) else "",
    )
