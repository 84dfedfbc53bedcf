"""The watch of a lane: it looks at heartbeats, record, run and host, and carries out what is decided from that.

It decides nothing itself: `domain/pace/lane_decision` does. Whoever finds the lane in other hands has been taken for
dead: it stops, keeps what is in flight, and leaves the row to the other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from shared.domain.batches.batch import Status
from shared.domain.batches.hold_up import suspended
from shared.domain.batches.wishes import as_wished
from shared.domain.pace.heartbeat import Heartbeat, Siblings
from shared.domain.pace.lane_decision import (
    Decision,
    HostState,
    Sight,
    decide,
    is_own,
    last_word,
    next_look,
    rest_seconds,
)
from shared.domain.pace.lane_part import Terms, first_part, part_of
from shared.domain.pace.run_state import RunState
from shared.run.batches.change import load
from shared.run.lane.host_life import LOOK_SECONDS
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.lease import Lease
from shared.run.lane.post import Post
from shared.run.lane.sending import Sending
from shared.run.lane.surroundings import Surroundings
from shared.services import Services

log = logging.getLogger(__name__)

SUSPENDED_SECONDS: Final = 15.0  # A lane of a suspended run asks again after this time.


class Watch:
    """`begin`, then `run` and `run_host` beside the work, then `leave`. Sets `sending.stop` when the slice is over."""

    def __init__(
        self,
        service: Services,
        post: Post,
        terms: Terms,
        *,
        sending: Sending,
        surroundings: Surroundings,
        meter: LaneMeter,
    ) -> None:
        settings = service.settings
        self._service = service
        self._post = post
        self._terms = terms
        self._sending = sending
        self._surroundings = surroundings
        self._meter = meter
        self._lease = Lease(service, post, sending)
        self._siblings = Siblings(post.lane, post.lanes, settings.stale_seconds, settings.lane_times.gone_seconds)
        self._slice_end = time.monotonic() + settings.slice_seconds
        self._sight = Sight(part=first_part(terms), slice_seconds=settings.slice_seconds)
        self.gone: set[int] = set()  # lanes of the batch that left work behind, until the feeder takes it

    @property
    def decision(self) -> Decision:
        """By what has been seen so far."""
        return decide(self._sight)

    async def claim(self) -> bool:
        """Make the lane this activity's; False if another is at work on it."""
        return await self._lease.take()

    async def begin(self) -> None:
        """The first look. A lane without a share looks again: others may only have been expected to begin with it."""
        await self.look()
        if not self._sight.part.share and not self._sending.stop.is_set():
            await asyncio.sleep(self._terms.heartbeat_seconds)
            await self.look()

    async def run(self) -> None:
        """Look every `heartbeat_seconds`, at news of limits, and at the end of the slice. Ends by cancellation."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_next_look()):
                    await self._sending.news.wait()
            self._sending.news.clear()
            try:
                await self.look()
            except Exception:  # a missed look costs seconds; the writer notices a dead storage
                log.warning(
                    "A lane could not read its batch.",
                    exc_info=True,
                    extra={"action": "watch_failed", "batch_id": self._post.batch.id},
                )

    def _until_next_look(self) -> float:
        return next_look(self._terms.heartbeat_seconds, self._slice_seconds(), self._remaining_seconds())

    def _slice_seconds(self) -> float:
        return self._slice_end - time.monotonic()

    def _remaining_seconds(self) -> float | None:
        return self._post.batch.remaining_seconds(self._service.now())

    async def look(self) -> None:
        """One look, in this order: heartbeats, record, and, where nothing has ended the slice yet, the run."""
        self._meter.flush()
        beats = await self._beats()
        self._see(is_own=is_own(self._terms, beats))
        if not self.decision.is_lost:
            await self._take_part(beats)
        await self._look_at_record()
        if self.decision.asks_run:
            await self._look_at_run()
        self._see(is_wanted=self._post.place.must_leave)
        self._obey()

    async def _look_at_record(self) -> None:
        found = await load(self._service, self._post.batch.owner, self._post.batch.id)
        batch = found or self._post.batch
        self._see(
            is_in_progress=found is not None and (batch.status is Status.IN_PROGRESS or batch.is_stopped),
            is_stopped=batch.is_stopped,
            is_as_wished=as_wished(batch) == as_wished(self._post.batch),
            remaining_seconds=batch.remaining_seconds(self._service.now()),
            slice_seconds=self._slice_seconds(),
        )

    async def _take_part(self, beats: Sequence[Heartbeat]) -> None:
        """Beat, and take what is the lane's; a lane that has just been claimed has beaten."""
        looks = self._sight.looks
        if looks:
            await self._lease.beat()
        now = self._service.now()
        part = part_of(self._terms, beats, now, is_first=not looks)
        self._see(part=part, looks=looks + 1)
        self._sending.take(part, time.monotonic())
        self.gone |= self._siblings.look(self._of_batch(beats), now, time.monotonic())

    async def _beats(self) -> Sequence[Heartbeat]:
        return await self._service.stores.heartbeats.list(self._post.deployment.name)

    def _of_batch(self, beats: Sequence[Heartbeat]) -> list[Heartbeat]:
        return [beat for beat in beats if beat.batch_id == self._post.batch.id]

    async def _look_at_run(self) -> None:
        run = await self._surroundings.run()
        if run is None:
            return
        self._see(run=run)
        if run is RunState.WAIT:
            self._sending.hold(SUSPENDED_SECONDS, suspended())

    async def run_host(self) -> None:
        """Stop when the host that started this process does; one that is gone hands the lane to another at once.

        Meanwhile make room as soon as that is wanted: until the lane has left, it holds a slot too many.
        """
        while (host := self._surroundings.host()) is HostState.STAYS:
            if self._post.place.must_leave:
                self._see(is_wanted=True)
                self._obey()
            await asyncio.sleep(LOOK_SECONDS)
        extra = {"action": "host_stops", "batch_id": self._post.batch.id, "lane": self._post.lane}
        log.warning("The host stops; the lane keeps what is in flight and ends.", extra=extra)
        self._see(host=host)
        self._obey()
        if host is HostState.GONE:
            await self._lease.let_go()

    def _see(self, **seen: Any) -> None:
        self._sight = msgspec.structs.replace(self._sight, **seen)

    def _obey(self) -> None:
        if self.decision.stops:
            self._sending.stop.set()

    async def take_gone(self) -> set[int]:
        """Lanes of the batch that left work behind, each told once. Not those that have come since: they work on it."""
        gone, self.gone = self.gone, set()
        return gone - self._siblings.there(self._of_batch(await self._beats()), self._service.now())

    async def leave(self, *, is_done: bool) -> None:
        """The lane's last word: nothing, or until when it sends nothing, and why."""
        decision = self.decision
        if not decision.is_lost:
            rest = rest_seconds(decision, self._terms, self._service.now())
            word = last_word(rest, self._sending.wait_seconds, is_done=is_done)
            await self._lease.let_go(word, keeps=not is_done and self._sending.has_news(time.monotonic()))

    @property
    def wait_seconds(self) -> float:
        """How long to leave the lane alone, from now: to another activity, until its next turn, or to other batches."""
        decision = self.decision
        rest = rest_seconds(decision, self._terms, self._service.now())
        if decision.is_lost:
            return rest
        return max(rest, self._service.capacity.room.pause_after(self._post.place, time.monotonic()))
