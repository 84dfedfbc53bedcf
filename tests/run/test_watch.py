"""What a lane does when its host ends: a watch on real stores, and a host whose life the test tells."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shared.domain.batches.batch import Batch
from shared.domain.pace.fair_share import Claim
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.lane_part import first_part
from shared.domain.pace.lane_room import Place
from shared.domain.pace.run_state import RunState
from shared.domain.pace.upstream_health import Patience
from shared.run.lane.host_life import HostLife
from shared.run.lane.lane import terms_of
from shared.run.lane.lane_meter import LaneMeter
from shared.run.lane.lease import holding
from shared.run.lane.post import Post
from shared.run.lane.sending import Sending
from shared.run.lane.surroundings import Surroundings
from shared.run.lane.watch import Watch
from tests.run.conftest import World


class Life(HostLife):
    """Stays until it is told otherwise."""

    gone = False

    @property
    def is_gone(self) -> bool:
        return self.gone


async def go_on() -> RunState:
    return RunState.GO_ON


def watch_of(world: World, batch: Batch, holder: str, life: HostLife) -> tuple[Watch, Sending]:
    """Of lane 0 of 1."""
    service = world.service
    deployment = service.settings.deployments["m"]
    claim = Claim(project="p", weight=2)
    place = Place(batch.id, 0.0)
    post = Post(batch=batch, deployment=deployment, lane=0, lanes=1, holder=holder, place=place, claim=claim)
    terms = terms_of(service.settings, post)
    patience = Patience(waited_seconds=0.0, most_seconds=1800.0, probe_seconds=30.0)
    sending = Sending(deployment.upstreams, first_part(terms), patience, service.capacity.in_flight, time.monotonic())
    meter = LaneMeter(batch, deployment, lane=0)
    surroundings = Surroundings(go_on, 8.0, life)
    return Watch(service, post, terms, sending=sending, surroundings=surroundings, meter=meter), sending


@pytest.mark.parametrize("gone", [False, True])
async def test_a_lane_ends_with_its_host(world: World, gone: bool) -> None:
    """One that stops lets the lane say its last word; of one that is gone, the row is free at once."""
    life = Life()
    with holding() as holder:
        watch, sending = watch_of(world, await world.batch(5), holder, life)
        assert await watch.claim()
        await watch.begin()
        life.gone = gone
        life.stops()
        await watch.run_host()
        rows = len(await world.service.stores.heartbeats.list("m"))

    assert (True, gone, 0 if gone else 1) == (sending.stop.is_set(), watch.decision.is_lost, rows)


async def test_a_lane_says_what_its_batch_may_ask_for(world: World) -> None:
    """So that all others see it, and divide the same way."""
    with holding() as holder:
        watch, _ = watch_of(world, await world.batch(5), holder, Life())
        assert await watch.claim()
        rows = await world.service.stores.heartbeats.list("m")

    assert [Claim(project="p", weight=2)] == [row.claim for row in rows]


async def test_a_look_under_way_leaves_the_row_of_an_orphan_alone(world: World) -> None:
    """It has read its own name there, and the host is gone before it beats: the row stays another's to take."""
    life, real = Life(), world.service.stores.heartbeats.list

    with holding() as holder:
        watch, _ = watch_of(world, await world.batch(5), holder, life)
        assert await watch.claim()
        await watch.begin()

        async def heartbeats(*names: Any) -> list[Heartbeat]:
            found = await real(*names)
            life.gone = True
            await watch.run_host()
            return found

        world.service.stores.heartbeats.list = heartbeats  # type: ignore[method-assign]
        await watch.look()
        await watch.leave(is_done=False)

    assert [] == await real("m")
