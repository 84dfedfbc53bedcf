"""The watcher of a lane: it claims the lane, beats, re-reads its fair share, and notices that it has to stop.

A lane is worked on by one activity: a second delivery stands aside while the first one beats. Whoever finds the lane
in other hands has been taken for dead: it stops, keeps what is in flight, and leaves the heartbeat to the other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import msgspec

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.hold_up import out_of_turn
from shared.domain.deployments.deployment import Deployment
from shared.domain.pace.fair_share import Pacer, shares, turn_at, until_next_turn
from shared.domain.pace.heartbeat import Heartbeat, asked_pause, competing, observed_limits
from shared.ports.base import Changed
from shared.run.batches.change import load
from shared.run.lane.gate import Gate
from shared.run.lane.holder import has_ended
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.post import Post
from shared.run.lane.siblings import Siblings
from shared.run.lane.signals import Signals
from shared.run.lane.surroundings import Surroundings
from shared.services import Services

log = logging.getLogger(__name__)


class Watch:
    """Sets `signals.stop` when the slice is over, the deadline has come or the batch is no longer in progress.

    Also when the host stops, the run is ended or suspended, or other batches wait for the lane's place.
    """

    def __init__(
        self,
        service: Services,
        batch: Batch,
        deployment: Deployment,
        post: Post,
        *,
        gate: Gate,
        pacer: Pacer,
        signals: Signals,
        meter: LaneMeter,
    ) -> None:
        self._service = service
        self._batch = batch
        self._deployment = deployment
        self._post = post
        self._gate = gate
        self._pacer = pacer
        self._signals = signals
        self._meter = meter
        self._siblings = Siblings(post.lane, post.lanes, service.settings.stale_seconds)
        self._slice_end = time.monotonic() + service.settings.slice_seconds
        self._surroundings = Surroundings(post, signals)
        self.gone: set[int] = set()  # lanes of the batch that left work behind, until the feeder takes it
        self.must_end = False  # cancelled or past the deadline
        self.is_spare = False  # no share for this lane, but one for other lanes of the batch
        self._yields = False
        self._is_lost = False
        self._looks = 0

    def remaining_seconds(self) -> float | None:
        """Until the batch's deadline; None without one."""
        deadline = self._batch.deadline()
        return None if deadline is None else (deadline - self._service.now()).total_seconds()

    async def run(self) -> None:
        """Look every `heartbeat_seconds`, at news of limits, and at the end of the slice. Ends by cancellation."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_next_look()):
                    await self._signals.news.wait()
            self._signals.news.clear()
            try:
                await self.look()
            except Exception:  # a missed look costs seconds; the keeper notices a dead storage
                log.warning(
                    "A lane could not read its batch.",
                    exc_info=True,
                    extra={"action": "watch_failed", "batch_id": self._batch.id},
                )

    def _until_next_look(self) -> float:
        """A heartbeat, or less if an end comes before; an end that has come calls for no haste."""
        ends = (self._slice_end - time.monotonic(), self.remaining_seconds())
        to_come = [end for end in ends if end is not None and end > 0]
        return max(0.05, min([self._service.settings.heartbeat_seconds, *to_come]))

    async def claim(self) -> bool:
        """Make the lane this activity's; False if another is at work on it."""
        version = None
        while True:
            try:
                await self._service.stores.heartbeats.claim(self._heartbeat(), version)
            except Changed:
                stored = await self._service.stores.heartbeats.get(
                    self._deployment.name, self._batch.id, self._post.lane
                )
            else:
                return True
            if stored is not None:
                self._signals.inherit(stored.value.reason)
            if stored is not None and self._is_held(stored.value):
                log.info(
                    "A lane is already being worked on.",
                    extra={"action": "lane_taken", "batch_id": self._batch.id, "lane": self._post.lane},
                )
                return False
            version = stored.version if stored else None

    def _is_held(self, beat: Heartbeat) -> bool:
        """A beat far in the future is one from before the clock was set: it holds nothing."""
        age = (self._service.now() - beat.at).total_seconds()
        return abs(age) <= self._service.settings.stale_seconds and not has_ended(beat.holder)

    async def begin(self) -> None:
        """The first look. A lane without a share looks again: others may only have been expected to begin with it."""
        await self.look()
        if self._yields and not self._signals.stop.is_set():
            await asyncio.sleep(self._service.settings.heartbeat_seconds)
            await self.look()

    async def look(self) -> None:
        """One look: beat, share, cancel, deadline, slice."""
        self._meter.flush()
        every_beat = await self._service.stores.heartbeats.list(self._deployment.name)
        self._is_lost = not any(self._is_own(beat) for beat in every_beat)
        if not self._is_lost:
            if self._looks:
                await self._service.stores.heartbeats.beat(self._heartbeat())
            self._take_share(every_beat)
            self._looks += 1
            own_batch = [beat for beat in every_beat if beat.batch_id == self._batch.id]
            self.gone |= self._siblings.look(own_batch, self._service.now(), time.monotonic())
        batch = await load(self._service, self._batch.owner, self._batch.id)
        remaining = self.remaining_seconds()
        self.must_end = (
            batch is None or batch.status is not Status.IN_PROGRESS or (remaining is not None and remaining <= 0)
        )
        ends = self.must_end or self._is_lost or time.monotonic() >= self._slice_end
        if ends or (self._yields and self._looks > 1) or await self._surroundings.look():
            self._signals.stop.set()

    async def run_host(self) -> None:
        """Stop when the host that started this process does; one that is gone hands the lane to another at once."""
        is_gone = await self._surroundings.host_ends()
        extra = {"action": "host_stops", "batch_id": self._batch.id, "lane": self._post.lane}
        log.warning("The host stops; the lane keeps what is in flight and ends.", extra=extra)
        self._signals.stop.set()
        if is_gone:
            self._is_lost = True
            await self._service.stores.heartbeats.stop(self._heartbeat())

    @property
    def is_over(self) -> bool:
        """There will be no next slice: the batch has to end, or the run has ended."""
        return self.must_end or self._surroundings.run_ended

    def take_gone(self) -> set[int]:
        """Lanes of the batch that left work behind, each told once."""
        gone, self.gone = self.gone, set()
        return gone

    def _is_own(self, beat: Heartbeat) -> bool:
        return (beat.batch_id, beat.lane, beat.holder) == (self._batch.id, self._post.lane, self._post.holder)

    def _take_share(self, every_beat: Sequence[Heartbeat]) -> None:
        now = self._service.now()
        if pause := asked_pause(every_beat, now):
            self._signals.pause(((pause.paused_until or now) - now).total_seconds(), pause.reason)
        lanes = competing(every_beat, now, self._service.settings.stale_seconds)
        own = lanes.setdefault(self._batch.id, set())
        own |= {self._post.lane} if self._looks else set(range(self._post.lanes))  # The others begin at this moment.
        parts = shares(self._deployment.max_concurrency, lanes, turn_at(now))
        share = parts.of(self._batch.id, self._post.lane)
        self._yields = not share
        self.is_spare = not share and parts.has_turn(self._batch.id)
        if not share:
            return
        seen = observed_limits(every_beat)
        requests = _lower(self._deployment.requests_per_minute, seen.requests_per_minute)
        tokens = _lower(self._deployment.tokens_per_minute, seen.tokens_per_minute)
        self._gate.set_share(share)
        self._pacer.resize(parts.rate(requests, self._batch.id), parts.rate(tokens, self._batch.id), time.monotonic())

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            deployment=self._deployment.name,
            batch_id=self._batch.id,
            lane=self._post.lane,
            at=self._service.now(),
            observed=self._signals.limits,
            reason=self._signals.slowed(time.monotonic()),
            holder=self._post.holder,
        )

    @property
    def wait_seconds(self) -> float:
        """How long to leave the lane alone, from now: to another activity, until its next turn, or to other batches."""
        if self._is_lost:
            return self._service.settings.heartbeat_seconds
        room = self._service.capacity.room.pause_after(self._post.place, time.monotonic())
        return max(self._until_turn, room)

    @property
    def _until_turn(self) -> float:
        """A heartbeat later those whose turn is over know it."""
        heartbeat = self._service.settings.heartbeat_seconds
        return until_next_turn(self._service.now()) + heartbeat if self._yields else 0.0

    async def leave(self, *, is_done: bool) -> None:
        """The lane's last word: nothing, or until when it sends nothing, and why."""
        if self._is_lost:
            return
        pause = self._signals.wait_seconds
        wait = max(pause, self._until_turn)
        if wait <= 0 or is_done:
            await self._service.stores.heartbeats.stop(self._heartbeat())
            return
        reason = self._signals.reason if pause else out_of_turn(self._deployment.name, self._deployment.max_concurrency)
        if pause:
            self._log_pause(pause, reason)
        await self._service.stores.heartbeats.beat(
            msgspec.structs.replace(
                self._heartbeat(),
                holder="",
                paused_until=self._service.now() + timedelta(seconds=wait),
                reason=reason,
                asked=self._signals.asked,
                queued=not pause,
            )
        )

    def _log_pause(self, seconds: float, reason: str | None) -> None:
        log.warning(
            "A lane pauses.",
            extra={
                "action": "lane_paused",
                "batch_id": self._batch.id,
                "model": self._deployment.name,
                "lane": self._post.lane,
                "seconds": round(seconds),
                "reason": reason,
            },
        )


def _lower(configured: int | None, observed: int | None) -> int | None:
    """The stricter of the two limits; None if there is none."""
    return min((limit for limit in (configured, observed) if limit is not None), default=None)
