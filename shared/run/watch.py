"""The watcher of a lane: it beats, re-reads the lane's fair share, and notices that the batch has to stop."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta

import msgspec

from shared.domain.batch import Batch, Status
from shared.domain.deployment import Deployment
from shared.domain.fair_share import Pacer, share
from shared.domain.heartbeat import Heartbeat, asked_pause, observed_limits
from shared.run.change import load
from shared.run.gate import Gate
from shared.run.lane_meter import LaneMeter
from shared.run.signals import Signals
from shared.services import Services

log = logging.getLogger(__name__)

STALE_BEATS = 4  # Missed beats after which a lane counts as gone.


class Watch:
    """Sets `signals.stop` when the slice is over, the deadline has come or the batch is no longer in progress.

    `drain_seconds` says how long the lane may then wait for requests in flight.
    """

    def __init__(
        self,
        service: Services,
        batch: Batch,
        deployment: Deployment,
        *,
        lane: int,
        lanes: int,
        gate: Gate,
        pacer: Pacer,
        signals: Signals,
        meter: LaneMeter,
    ) -> None:
        self._service = service
        self._batch = batch
        self._deployment = deployment
        self._lane = lane
        self._lanes = lanes
        self._gate = gate
        self._pacer = pacer
        self._signals = signals
        self._meter = meter
        self._slice_end = time.monotonic() + service.settings.slice_seconds
        self.must_end = False  # cancelled or past the deadline: there will be no next slice
        self._beaten_once = False

    def remaining_seconds(self) -> float | None:
        """Until the batch's deadline; None without one."""
        deadline = self._batch.deadline()
        return None if deadline is None else (deadline - self._service.now()).total_seconds()

    @property
    def drain_seconds(self) -> float:
        """How long requests in flight may still take."""
        settings = self._service.settings
        return settings.drain_seconds if self.must_end else self._deployment.request_timeout_seconds + 10

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

    async def look(self) -> None:
        """One look: beat, share, cancel, deadline, slice."""
        self._meter.flush()
        await self._service.batches.beat(self.heartbeat())
        await self._take_share()
        batch = await load(self._service, self._batch.owner, self._batch.id)
        remaining = self.remaining_seconds()
        self.must_end = (
            batch is None or batch.status is not Status.IN_PROGRESS or (remaining is not None and remaining <= 0)
        )
        if self.must_end or time.monotonic() >= self._slice_end:
            self._signals.stop.set()

    async def _take_share(self) -> None:
        now = self._service.now()
        stale_after = STALE_BEATS * self._service.settings.heartbeat_seconds
        every_beat = await self._service.batches.heartbeats(self._deployment.name)
        if pause := asked_pause(every_beat, now):
            self._signals.pause(((pause.paused_until or now) - now).total_seconds())
        beats = [beat for beat in every_beat if beat.is_live(now, stale_after)]
        if not self._beaten_once:  # The other lanes are starting at this moment: count them as alive.
            self._beaten_once = True
            beats = [beat for beat in beats if beat.batch_id != self._batch.id]
            beats += [self.heartbeat(lane) for lane in range(self._lanes)]
        own = (beats, self._batch.id, self._lane, now, stale_after)
        seen = observed_limits(every_beat)
        requests = _lower(self._deployment.requests_per_minute, seen.requests_per_minute)
        tokens = _lower(self._deployment.tokens_per_minute, seen.tokens_per_minute)
        self._gate.set_share(share(self._deployment.max_concurrency, *own))
        self._pacer.resize(
            None if requests is None else share(requests, *own),
            None if tokens is None else share(tokens, *own),
            time.monotonic(),
        )

    def heartbeat(self, lane: int | None = None) -> Heartbeat:
        return Heartbeat(
            deployment=self._deployment.name,
            batch_id=self._batch.id,
            lane=self._lane if lane is None else lane,
            at=self._service.now(),
            observed=self._signals.limits,
        )

    async def leave(self) -> None:
        """The lane's last word: nothing, or until when it leaves the upstream alone, and why."""
        wait = self._signals.wait_seconds
        if wait <= 0 or self.must_end:
            await self._service.batches.stop_beating(self.heartbeat())
            return
        reason = self._signals.reason
        log.warning(
            "A lane pauses.",
            extra={
                "action": "lane_paused",
                "batch_id": self._batch.id,
                "model": self._deployment.name,
                "lane": self._lane,
                "seconds": round(wait),
                "reason": reason,
            },
        )
        until = self._service.now() + timedelta(seconds=wait)
        await self._service.batches.beat(
            msgspec.structs.replace(self.heartbeat(), paused_until=until, reason=reason, asked=self._signals.asked)
        )


def _lower(configured: int | None, observed: int | None) -> int | None:
    """The stricter of the two limits; None if there is none."""
    return min((limit for limit in (configured, observed) if limit is not None), default=None)
