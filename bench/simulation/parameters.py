"""What the simulation is told: costs of the product, limits of providers, one installation, one load.

Each figure says where it is from: *measured* (bench/README.md, `python -m bench.transactions`), *documented* (Azure's
own pages) or *assumed* (nobody has measured it). docs/scaling.md says what hangs on the assumed ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

from shared.domain.batches.chunk import PlannedChunk
from shared.domain.batches.chunk_planner import ChunkPlanner
from shared.settings import Settings

DEFAULTS = Settings()
MIX = {100: 0.5, 1_000: 0.3, 10_000: 0.18, 100_000: 0.02}  # Lines of a batch -> share of batches; assumed.
OFFICE_DAY = (0.2, 0.2, 0.2, 0.2, 0.2, 0.4, 0.8, 1.5, 2.2, 2.4, 2.4, 2.0, 1.8, 2.0, 2.2, 2.0, 1.5, 0.9) + (0.5,) * 6


@dataclass(frozen=True, kw_only=True)
class Costs:
    """CPU in seconds of one core of a current server, calls to storage in numbers."""

    line_cpu: float = 0.00035  # measured
    validate_line_cpu: float = 0.000014  # measured (bench/validate.py), tokens counted
    batch_cpu: float = 0.04  # measured: all activities of a batch, their lines apart
    look_cpu: float = 0.005  # measured against Azurite: read the heartbeats, beat, read the record
    look_row_cpu: float = 0.00004  # measured: for each lane of the deployment
    lines_per_append: float = 45.0  # measured
    appends_per_second: float = 1.05  # measured: at least, of a lane
    lane_table_calls: float = 2.7  # measured: a second
    chunk_calls: tuple[int, int, int] = (1, 2, 3)  # measured: blob writes, blob reads, table calls
    batch_calls: tuple[int, int, int] = (5, 10, 60)  # measured, four lanes
    store_seconds: float = 0.01  # assumed: one call


@dataclass(frozen=True, kw_only=True)
class Durable:
    """A backend. A step is one message to an orchestrator or an activity: an action, as the scheduler bills it."""

    name: str
    actions_per_second: float
    step_seconds: float
    poll_seconds: float = 0.0  # Longest pause between two looks into an idle queue.


def azure_storage(partitions: int = 4) -> Durable:
    """Documented: 100 activities/s a host, at most one host for each partition; 5/s in sequence. host.json: 5 s."""
    return Durable(
        name=f"storage, {partitions} partitions",
        actions_per_second=100.0 * partitions,
        step_seconds=0.1,
        poll_seconds=5.0,
    )


SCHEDULER = Durable(name="scheduler, consumption", actions_per_second=500.0, step_seconds=0.05)  # step assumed
SCHEDULER_UNIT = Durable(name="scheduler, one unit", actions_per_second=2_000.0, step_seconds=0.05)
LOCAL = Durable(name="local host", actions_per_second=math.inf, step_seconds=0.01)


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """Limits of one deployment; answers take `latency_seconds` in the mean, log-normal, `spread` = deviation / mean."""

    concurrency: int = 256
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    latency_seconds: float = 3.0
    spread: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Installation:
    """As infra/main.bicep deploys it, unless told otherwise."""

    memory_mb: int = 2048
    maximum_instances: int = 40
    ready_instances: int = 1
    processes: int = 1  # Flex Consumption allows no other number.
    activities_per_instance: int = 8  # lanes: half of the slots in host.json
    start_seconds: float = 10.0  # assumed; 3 s of it are Python importing, measured
    python_share: float = 0.8  # assumed: of an instance's CPU; the rest is the host's
    durable: Durable = field(default_factory=azure_storage)
    storage_calls_per_second: float = 20_000.0  # documented: one account, all services together
    partition_calls_per_second: float = 2_000.0  # documented for entities of one table partition: the heartbeats'
    lanes: int = DEFAULTS.lanes
    slice_seconds: float = DEFAULTS.slice_seconds
    heartbeat_seconds: float = DEFAULTS.heartbeat_seconds

    @property
    def process_speed(self) -> float:
        """Cores of one worker process: it cannot use more than one. Documented: 1 vCPU for 2,048 MB."""
        return min(1.0, self.memory_mb / 2048 * self.python_share / self.processes)


@dataclass(frozen=True, kw_only=True)
class Load:
    """Batches that arrive at random within `seconds`, and their sizes: lines -> share of batches."""

    batches: int
    sizes: dict[int, float]
    seconds: float = 3600.0
    tokens_per_line: int = 500
    profile: tuple[float, ...] = (1.0,)  # weights of equal parts of the time


@lru_cache
def planned(lines: int, bytes_per_line: int = 550, tokens: int = 500) -> tuple[PlannedChunk, ...]:
    """The chunks of a file of so many lines, cut by the product's planner."""
    planner = ChunkPlanner(DEFAULTS.chunk_lines, DEFAULTS.chunk_bytes, lines * bytes_per_line)
    held = 0
    for line in range(lines):
        end = (line + 1) * bytes_per_line
        if planner.is_full(end):
            planner.close(held * tokens)
            held = 0
        planner.add(b"", start=line * bytes_per_line, end=end, line=line + 1)
        held += 1
    planner.close(held * tokens)
    return planner.plan().chunks
