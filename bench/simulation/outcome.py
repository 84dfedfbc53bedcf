"""What a simulation says: throughput, use of limits, times of batches, what they waited for, fees of the platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.cost import Prices
from bench.simulation.flow import Simulation


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Seconds, shares (0..1) and US dollars. Queue: from create to the first lane; completion: to the end of the batch.

    `waits` is what lanes and activities spent their time on, as shares: the first is the bottleneck.
    """

    batches: int
    lines: int
    per_second: float
    queue_p95: float
    completion_p50: float
    completion_p95: float
    completion_p99: float
    bottleneck: str
    waits: dict[str, float]
    upstream_used: float
    cpu_used: float
    storage_used: float
    durable_used: float
    instances: int
    lanes: int
    storage_per_second: float
    beat_rows_per_second: float
    dollars_per_1000: float


def outcome(simulation: Simulation, prices: Prices | None = None) -> Outcome:
    """Of a simulation that has run."""
    batches, installation, upstream = simulation.batches, simulation.installation, simulation.upstream
    seconds = max(batch.ended_at for batch in batches)
    lines = sum(batch.lines for batch in batches)
    took = [batch.ended_at - batch.created_at for batch in batches]
    waited = sum(simulation.waits.values())
    most_first = sorted(simulation.waits.items(), key=lambda wait: -wait[1])
    waits = {name: spent / waited for name, spent in most_first if spent}
    cores = simulation.instances.peak * installation.processes * installation.process_speed
    stored = sum(simulation.calls[name] for name in ("blob writes", "blob reads", "table calls"))
    pools = (
        simulation.in_use_seconds / upstream.concurrency,
        simulation.requests.busy_seconds,
        simulation.tokens.busy_seconds,
    )
    return Outcome(
        batches=len(batches),
        lines=lines,
        per_second=lines / seconds,
        queue_p95=_percentile([batch.begun_at - batch.created_at for batch in batches], 95),
        completion_p50=_percentile(took, 50),
        completion_p95=_percentile(took, 95),
        completion_p99=_percentile(took, 99),
        bottleneck=next(iter(waits)),
        waits=waits,
        upstream_used=max(pools) / seconds,
        cpu_used=simulation.instances.cpu_seconds * installation.process_speed / cores / seconds,
        storage_used=max(simulation.storage.busy_seconds, simulation.beats.busy_seconds) / seconds,
        durable_used=simulation.steps.busy_seconds / seconds,
        instances=simulation.instances.peak,
        lanes=simulation.peak_lanes,
        storage_per_second=stored / seconds,
        beat_rows_per_second=simulation.beat_rows / seconds,
        dollars_per_1000=_dollars(simulation, prices or Prices()) / lines * 1000,
    )


def _dollars(simulation: Simulation, prices: Prices) -> float:
    """Instances while they work, executions, storage; without instances kept ready, the scheduler, files and logs."""
    calls = simulation.calls
    return (
        simulation.instances.busy_seconds * simulation.installation.memory_mb / 1024 * prices.gb_second
        + (calls["executions"] + calls["actions"]) * prices.million_executions / 1e6
        + calls["blob writes"] * prices.blob_writes_10k / 1e4
        + calls["blob reads"] * prices.blob_reads_10k / 1e4
        + calls["table calls"] * prices.table_calls_10k / 1e4
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that is not below so many percent of them."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
