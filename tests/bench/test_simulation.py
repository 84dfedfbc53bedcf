"""The simulation keeps what it is about: every request once, no limit exceeded, more of a limit never slower."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.simulation.clock import Clock, Instances, Process, Server
from bench.simulation.flow import Simulation
from bench.simulation.outcome import outcome
from bench.simulation.parameters import MIX, OFFICE_DAY, SCHEDULER, Costs, Installation, Load, Upstream, planned

STEADY = Upstream(concurrency=64, latency_seconds=2.0, spread=0.0)
SMALL = Load(batches=6, sizes={100: 0.5, 700: 0.5}, seconds=60)
PLAIN = Installation(durable=SCHEDULER)


def simulated(
    load: Load = SMALL, installation: Installation = PLAIN, upstream: Upstream = STEADY, costs: Costs | None = None
) -> Simulation:
    simulation = Simulation(load, installation, upstream, costs)
    simulation.run()
    return simulation


def seconds(simulation: Simulation) -> float:
    return max(batch.ended_at for batch in simulation.batches)


WORLDS: dict[str, Callable[[], Simulation]] = {
    "plenty": simulated,
    "few for many": lambda: simulated(upstream=replace(STEADY, concurrency=2)),
    "short slices": lambda: simulated(installation=replace(PLAIN, slice_seconds=4.0)),
    "one slot": lambda: simulated(installation=replace(PLAIN, maximum_instances=1, activities_per_instance=1)),
    "none ready": lambda: simulated(installation=replace(PLAIN, ready_instances=0)),
    "rates": lambda: simulated(upstream=replace(STEADY, requests_per_minute=600, tokens_per_minute=200_000)),
    "varied answers": lambda: simulated(upstream=replace(STEADY, spread=1.0)),
}


@pytest.fixture(params=WORLDS, name="world")
def _world(request: pytest.FixtureRequest) -> Simulation:
    return WORLDS[request.param]()


def test_every_request_runs_once(world: Simulation) -> None:
    """Whatever is scarce, as many requests are sent as there are lines, and each chunk is sealed with all of its own."""
    assert len(world.batches) == world.load.batches
    assert world.sent == sum(batch.lines for batch in world.batches)
    for batch in world.batches:
        assert batch.ended_at >= batch.begun_at >= batch.created_at
        assert {index: row.completed for index, row in batch.rows.items()} == {
            chunk.index: chunk.lines for chunk in planned(batch.lines)
        }
        assert all(row.sealed and row.lane < batch.lanes for row in batch.rows.values())


def test_the_concurrency_of_the_upstream_is_never_exceeded(world: Simulation) -> None:
    """At no moment are more requests in flight than the deployment may have, and none when all is over."""
    assert 0 < world.peak_in_use <= world.upstream.concurrency
    assert world.in_use == 0
    assert world.live_lanes == 0


@pytest.mark.parametrize("name", sorted(WORLDS.keys() - {"varied answers"}))
def test_nothing_is_faster_than_the_upstream(name: str) -> None:
    """A batch takes at least as long as its answers do at full concurrency."""
    world = WORLDS[name]()

    for batch in world.batches:
        least = batch.lines * world.upstream.latency_seconds / world.upstream.concurrency
        assert batch.ended_at - batch.begun_at >= least


def test_answers_that_vary_give_no_capacity() -> None:
    """In the mean a crowded upstream answers no faster than its concurrency allows, however answers vary."""
    upstream = replace(STEADY, concurrency=8, spread=1.0)
    simulation = simulated(Load(batches=20, sizes={300: 1.0}, seconds=1), upstream=upstream)

    least = 20 * 300 * upstream.latency_seconds / upstream.concurrency
    assert seconds(simulation) > 0.97 * least


def test_a_batch_takes_the_actions_that_were_counted() -> None:
    """23 with four lanes of one slice: what `python -m bench.transactions` finds in the history of the real service."""
    assert simulated(Load(batches=1, sizes={1_000: 1.0})).calls["actions"] == 23


def test_the_limits_per_minute_are_kept() -> None:
    """No more requests and tokens run than the limits allow for the time it took."""
    by_requests = simulated(upstream=replace(STEADY, requests_per_minute=120))
    by_tokens = simulated(upstream=replace(STEADY, tokens_per_minute=60_000))  # 500 a line, so 120 lines

    for simulation in (by_requests, by_tokens):
        lines = sum(batch.lines for batch in simulation.batches)
        assert lines / seconds(simulation) <= 2.0
        assert outcome(simulation).upstream_used > 0.8


@pytest.mark.parametrize(
    "upstreams",
    [
        [replace(STEADY, concurrency=limit) for limit in (4, 16, 64, 256)],
        [replace(STEADY, requests_per_minute=limit) for limit in (60, 240, 960, None)],
        [replace(STEADY, tokens_per_minute=limit) for limit in (30_000, 120_000, 480_000, None)],
    ],
    ids=["concurrency", "requests", "tokens"],
)
def test_more_of_a_limit_is_never_slower(upstreams: list[Upstream]) -> None:
    """The same batches end sooner, or at the same time, with a higher limit."""
    took = [seconds(simulated(upstream=upstream)) for upstream in upstreams]

    assert took == sorted(took, reverse=True)
    assert took[0] > took[-1]


def test_more_instances_are_never_slower() -> None:
    """Batches that wait for slots end sooner with more of them."""
    load = Load(batches=40, sizes={300: 1.0}, seconds=10)
    large = replace(STEADY, concurrency=2_000)
    few = replace(PLAIN, activities_per_instance=2, lanes=2)

    took = [seconds(simulated(load, replace(few, maximum_instances=most), large)) for most in (1, 4, 16)]

    assert took == sorted(took, reverse=True)


SCARCE = {
    "upstream": (PLAIN, Costs()),
    "cpu": (replace(PLAIN, maximum_instances=1), Costs(line_cpu=1.0)),
    "storage": (replace(PLAIN, storage_calls_per_second=2.0), Costs()),
    "durable": (replace(PLAIN, durable=replace(SCHEDULER, actions_per_second=0.05)), Costs()),
    "instances": (replace(PLAIN, maximum_instances=1, activities_per_instance=1), Costs()),
    "starts": (replace(PLAIN, ready_instances=0, start_seconds=900.0), Costs()),
}


@pytest.mark.parametrize("name", SCARCE)
def test_the_bottleneck_is_what_is_scarce(name: str) -> None:
    """What one installation lacks is what its batches are said to wait for."""
    installation, costs = SCARCE[name]

    assert outcome(simulated(installation=installation, costs=costs)).bottleneck == name


def test_the_same_seed_tells_the_same() -> None:
    """Two runs of one world do not differ."""
    load = Load(batches=5, sizes={100: 1.0}, seconds=600, profile=OFFICE_DAY)

    assert outcome(simulated(load)) == outcome(simulated(load))


def test_batches_arrive_by_the_profile() -> None:
    """Hours without weight get no batch, and the mix gives the sizes."""
    half = Load(batches=30, sizes=MIX | {100_000: 0.0}, seconds=1_000, profile=(0.0, 1.0))

    batches = simulated(half, upstream=replace(STEADY, concurrency=5_000)).batches

    assert min(batch.created_at for batch in batches) >= 500
    assert {batch.lines for batch in batches} <= MIX.keys() - {100_000}


def test_a_server_works_in_order() -> None:
    """What is taken later waits for what was taken before; time without work is lost."""
    server = Server(rate=10.0)

    assert server.take(5, now=0.0) == 0.5
    assert server.take(10, now=0.0) == 1.5
    assert server.take(10, now=9.0) == 1.0
    assert server.busy_seconds == 2.5


def test_instances_start_while_activities_wait_and_leave_when_idle() -> None:
    """Three activities on instances of one slot need three; a minute later only the one kept ready is left."""
    clock = Clock()
    instances = Instances(clock, most=5, ready=1, slots=1, processes=1, speed=1.0, start_seconds=10.0)
    began: list[float] = []

    def activity() -> Process:
        instance = yield from instances.take()
        began.append(clock.now)
        yield 30.0
        instances.give_back(instance)

    for after in (0.0, 0.0, 0.0, 200.0):
        clock.start(activity(), after)
    clock.run()

    assert began == [0.0, 10.0, 10.0, 200.0]
    assert instances.peak == 3
    assert len(instances.all) == 1
    assert instances.busy_seconds == 120.0
