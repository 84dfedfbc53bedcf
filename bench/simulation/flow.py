"""Batches on their way through one installation, by the product's own rules for chunks, lanes and shares.

Requests are not events of their own: a lane works off lines of one chunk for at most a heartbeat at the pace of what
is slowest, then looks at its share again. Simplified: retries, pauses, cancels and quota are left out; what would go
over the upstream's limit waits here, and is refused and sent again in life.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from statistics import NormalDist

import msgspec

from bench.simulation.clock import Clock, Instance, Instances, Process, Server, Turn
from bench.simulation.parameters import Costs, Installation, Load, Upstream, planned
from shared.domain.batches.chunk import ChunkRow, PlannedChunk
from shared.domain.batches.lane_work import work_of_lane
from shared.domain.pace.fair_share import Shares, shares
from shared.domain.pace.heartbeat import LaneTimes

TURN_SECONDS = LaneTimes().turn_seconds
LOOK_AGAIN_SECONDS = 0.5  # The upstream refuses what is over its limit; the first retry comes after this.


@dataclass
class Walk:
    """One batch. Times are virtual seconds since the beginning of the load."""

    id: str
    lines: int
    lanes: int
    created_at: float
    begun_at: float = math.nan
    ended_at: float = math.nan
    rows: dict[int, ChunkRow] = field(default_factory=dict)
    running: int = 0
    ended: Turn | None = None

    @property
    def plan(self) -> tuple[PlannedChunk, ...]:
        return planned(self.lines)


class Simulation:
    """`run` once; then `batches`, `waits` and the counters tell what happened."""

    def __init__(
        self, load: Load, installation: Installation, upstream: Upstream, costs: Costs | None = None, seed: int = 1
    ) -> None:
        self.load, self.installation, self.upstream = load, installation, upstream
        self.costs = costs or Costs()
        self.clock = Clock()
        self.batches: list[Walk] = []
        self.waits: defaultdict[str, float] = defaultdict(float)  # seconds, by what was waited for
        self.calls: defaultdict[str, float] = defaultdict(float)
        self.sent = self.in_use = self.peak_in_use = 0  # requests, and those in flight
        self.in_use_seconds = 0.0
        self.live_lanes = self.peak_lanes = 0
        self.beat_rows = 0.0
        self._random = random.Random(seed)
        self._lanes: dict[str, set[int]] = {}
        self._shares: tuple[int, Shares] | None = None
        self._last_step = -math.inf
        self.storage = Server(installation.storage_calls_per_second)
        self.beats = Server(installation.partition_calls_per_second)
        self.steps = Server(installation.durable.actions_per_second)
        self.requests = Server((upstream.requests_per_minute or math.inf) / 60)
        self.tokens = Server((upstream.tokens_per_minute or math.inf) / 60)
        self.instances = Instances(
            self.clock,
            most=installation.maximum_instances,
            ready=installation.ready_instances,
            slots=installation.activities_per_instance,
            processes=installation.processes,
            speed=installation.process_speed,
            start_seconds=installation.start_seconds,
        )

    def run(self) -> None:
        self.clock.start(self._arrivals())
        self.clock.run()

    def _arrivals(self) -> Process:
        """So many batches at random moments of the load's profile: Poisson, given their number."""
        load, profile = self.load, self.load.profile
        parts = self._random.choices(range(len(profile)), profile, k=load.batches)
        times = sorted((part + self._random.random()) / len(profile) * load.seconds for part in parts)
        sizes = self._random.choices(list(load.sizes), list(load.sizes.values()), k=load.batches)
        for number, (at, lines) in enumerate(zip(times, sizes, strict=True)):
            yield at - self.clock.now
            lanes = min(self.installation.lanes, len(planned(lines)))
            batch = Walk(id=f"{number:06d}", lines=lines, lanes=lanes, created_at=self.clock.now)
            self.batches.append(batch)
            self.clock.start(self._batch(batch))

    def _batch(self, batch: Walk) -> Process:
        """As orchestrators.run_batch."""
        costs = self.costs
        yield self._step()
        yield from self._activity(costs.batch_cpu / 2 + batch.lines * costs.validate_line_cpu)
        yield from self._activity(costs.batch_cpu / 4)
        batch.begun_at = self.clock.now
        batch.running, batch.ended = batch.lanes, Turn()
        for lane in range(batch.lanes):
            self.clock.start(self._lane(batch, lane), self._step())
        yield batch.ended
        yield from self._activity(costs.batch_cpu / 4)
        yield self._call(*costs.batch_calls)
        batch.ended_at = self.clock.now

    def _activity(self, cpu_seconds: float) -> Process:
        """One short activity, and the step that brings its result back."""
        yield self._step()
        instance = yield from self._slot()
        process = instance.enter()
        seconds = process.take(cpu_seconds, self.clock.now)
        self.waits["cpu"] += seconds
        yield seconds
        instance.leave(process)
        self.instances.give_back(instance)
        yield self._step()

    def _slot(self) -> Generator[Turn, None, Instance]:
        since, full = self.clock.now, self.instances.is_full
        instance = yield from self.instances.take()
        self.calls["executions"] += 1
        self.waits["instances" if full else "starts"] += self.clock.now - since
        return instance

    def _step(self) -> float:
        """Seconds that one message of the durable backend takes. After a pause its queues are looked at less often."""
        durable = self.installation.durable
        idle, self._last_step = self.clock.now - self._last_step, self.clock.now
        seconds = durable.step_seconds + self.steps.take(1, self.clock.now)
        seconds += self._random.random() * min(durable.poll_seconds, idle)
        self.calls["actions"] += 1
        self.waits["durable"] += seconds
        return seconds

    def _call(self, blob_writes: float, blob_reads: float, table_calls: float) -> float:
        """Seconds that calls to storage take, one beside the other."""
        self.calls["blob writes"] += blob_writes
        self.calls["blob reads"] += blob_reads
        self.calls["table calls"] += table_calls
        return self.costs.store_seconds + self.storage.take(blob_writes + blob_reads + table_calls, self.clock.now)

    def _lane(self, batch: Walk, lane: int) -> Process:
        """As orchestrators.run_lane: slices until nothing is left."""
        is_done = False
        while not is_done:
            yield self._step()
            instance = yield from self._slot()
            process = instance.enter()
            is_done, pause = yield from self._slice(batch, lane, process)
            instance.leave(process)
            self.instances.give_back(instance)
            yield self._step() + pause
        yield self._step()
        batch.running -= 1
        if not batch.running:
            assert batch.ended is not None
            assert batch.ended.process is not None
            self.clock.start(batch.ended.process)

    def _slice(self, batch: Walk, lane: int, process: Server) -> Generator[float, None, tuple[bool, float]]:
        """As shared.run.lane.lane. Returns whether the lane is done, and how long to leave it alone."""
        work = work_of_lane(batch.plan, batch.rows, lane, batch.lanes)
        if not work.own and not work.others:
            return True, 0.0
        end = self.clock.now + self.installation.slice_seconds
        self._join(batch, lane)
        share = ran = 0
        for chunk in (work.plan[index] for index in [*work.own, *work.others]):
            row = batch.rows.get(chunk.index) or ChunkRow(batch_id=batch.id, index=chunk.index, lane=lane)
            if row.lane != lane or row.sealed:
                continue
            is_claimed = False
            while row.completed < chunk.lines:
                share = self._share_now().of(batch.id, lane)
                if not share or self.clock.now >= end:
                    return (yield from self._leave_early(batch, lane, share))
                if not is_claimed:
                    batch.rows[chunk.index], is_claimed = row, True
                    yield self._call(*self.costs.chunk_calls)
                slots = min(share, self.upstream.concurrency - self.in_use)
                if not slots:
                    self.waits["upstream"] += LOOK_AGAIN_SECONDS
                    yield LOOK_AGAIN_SECONDS
                    continue
                lines = yield from self._turn(batch, slots, chunk.lines - row.completed, process)
                ran += lines
                row = ChunkRow(batch_id=batch.id, index=chunk.index, lane=lane, completed=row.completed + lines)
                batch.rows[chunk.index] = row
            batch.rows[chunk.index] = msgspec.structs.replace(row, seal="sealed")
        yield from self._drain(share, ran)
        self._leave(batch, lane)
        return True, 0.0

    def _turn(self, batch: Walk, slots: int, left: int, process: Server) -> Generator[float, None, int]:
        """Run at most `left` lines with so many requests in flight; returns how many."""
        now, costs, heartbeat = self.clock.now, self.costs, self.installation.heartbeat_seconds
        limit = self._limit(batch)
        lines = max(1, min(left, int(heartbeat * min(slots / self.upstream.latency_seconds, limit))))
        by_upstream = max(lines * self._latency(lines) / slots, lines / limit, self.requests.take(lines, now))
        by_upstream = max(by_upstream, self.tokens.take(lines * self.load.tokens_per_line, now))
        looks = by_upstream / heartbeat
        self.beat_rows += looks * self.live_lanes
        cpu = lines * costs.line_cpu + looks * (costs.look_cpu + self.live_lanes * costs.look_row_cpu)
        appends = max(lines / costs.lines_per_append, by_upstream * costs.appends_per_second)
        storage = max(self._call(appends, 0, by_upstream * costs.lane_table_calls), self.beats.take(2 * looks, now))
        by = {"upstream": by_upstream, "cpu": process.take(cpu, now), "storage": storage}
        slowest = max(by, key=lambda name: by[name])
        self.waits[slowest] += by[slowest]
        self.sent += lines
        self.in_use += slots
        self.peak_in_use = max(self.peak_in_use, self.in_use)
        self.in_use_seconds += lines * self.upstream.latency_seconds
        yield by[slowest]
        self.in_use -= slots
        return lines

    def _limit(self, batch: Walk) -> float:
        """Lines a second: the lane's part of the limits per minute."""
        parts, limit = self._share_now(), math.inf
        for per_minute, amount in (
            (self.upstream.requests_per_minute, 1),
            (self.upstream.tokens_per_minute, self.load.tokens_per_line),
        ):
            part = parts.rate(per_minute, batch.id)
            limit = limit if part is None else min(limit, part / 60 / amount)
        return limit

    def _latency(self, requests: int) -> float:
        """The mean of so many answers."""
        drawn = 1 + self._random.gauss(0, 1) * self.upstream.spread / math.sqrt(requests)
        return self.upstream.latency_seconds * max(0.1, drawn)

    def _drain(self, share: int, ran: int) -> Generator[float, None, None]:
        """The lane's last answers: the slowest of those in flight, and of few lines all that they take."""
        upstream, in_flight = self.upstream, min(share, ran)
        if not in_flight:
            return
        sigma = math.sqrt(math.log(1 + upstream.spread**2))
        slowest = NormalDist(-sigma * sigma / 2, sigma or 1e-9).inv_cdf(self._random.random() ** (1 / in_flight))
        begun = max(0.0, 1 - ran / share)  # part of an answer's time that `_turn` has not counted
        seconds = upstream.latency_seconds * (max(0.0, math.exp(slowest) - 1) + begun)
        self.waits["upstream"] += seconds
        yield seconds

    def _leave_early(self, batch: Walk, lane: int, share: int) -> Generator[float, None, tuple[bool, float]]:
        """The slice is over, or the limit is too small for this lane: a spare one is done, another waits its turn."""
        yield self.costs.store_seconds
        has_turn = self._share_now().has_turn(batch.id)
        if share:
            self._leave(batch, lane)
            return False, 0.0
        holds = any(row.lane == lane and not row.sealed for row in batch.rows.values())
        if has_turn and not holds:
            self._leave(batch, lane)
            return True, 0.0
        pause = TURN_SECONDS - self.clock.now % TURN_SECONDS + self.installation.heartbeat_seconds
        self.waits["upstream"] += pause
        return False, pause

    def _share_now(self) -> Shares:
        """The product's shares, computed again where lanes or the turn have changed."""
        turn = int(self.clock.now // TURN_SECONDS) if len(self._lanes) > self.upstream.concurrency else 0
        if self._shares is None or self._shares[0] != turn:
            self._shares = turn, shares(self.upstream.concurrency, self._lanes, turn)
        return self._shares[1]

    def _join(self, batch: Walk, lane: int) -> None:
        lanes = self._lanes.setdefault(batch.id, set())
        if lane not in lanes:  # A lane that waited for its turn has been counted all along, as in the product.
            lanes.add(lane)
            self.live_lanes += 1
            self.peak_lanes = max(self.peak_lanes, self.live_lanes)
            self._shares = None

    def _leave(self, batch: Walk, lane: int) -> None:
        lanes = self._lanes[batch.id]
        lanes.discard(lane)
        self.live_lanes -= 1
        if not lanes:
            del self._lanes[batch.id]
        self._shares = None
