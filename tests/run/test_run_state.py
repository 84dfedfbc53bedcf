"""What a lane makes of the state of its run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from activities.work_lane import NAP_SECONDS, work_lane
from shared.domain.batches.batch import Batch
from shared.domain.pace.heartbeat import Heartbeat, LaneTimes
from shared.domain.pace.run_state import RunState, state_of_run
from shared.run.lane.surroundings import asking
from shared.services import use
from tests.run.conftest import World
from tests.run.test_lane import cursor


@pytest.mark.parametrize(
    ("status", "started_with", "state"),
    [
        ("Running", {"run": "mine"}, RunState.GO_ON),
        ("Running", '{"run": "mine"}', RunState.GO_ON),
        ("Running", {"run": "another"}, RunState.END),
        ("Running", '{"run": "another"}', RunState.END),
        ("Suspended", {"run": "mine"}, RunState.WAIT),
        ("Suspended", {"run": "another"}, RunState.END),
        ("Terminated", {"run": "mine"}, RunState.END),
        ("Failed", {"run": "mine"}, RunState.GO_ON),  # It is about to be started again.
        ("Completed", {}, RunState.GO_ON),
        ("Running", "no JSON", RunState.GO_ON),
        ("Running", ["run"], RunState.GO_ON),
        (None, None, RunState.GO_ON),
    ],
)
def test_what_becomes_of_a_lane(status: str | None, started_with: Any, state: RunState) -> None:
    """It ends with its run or for another, and waits while it is suspended."""
    assert state_of_run(status, started_with, "mine") is state


class Client:
    """Says always the same of a run."""

    def __init__(self, status: str) -> None:
        self.said = SimpleNamespace(runtime_status=SimpleNamespace(name=status), input_={"run": "mine"})

    async def get_status(self, instance_id: str, *, show_input: bool) -> Any:
        return self.said


class Broken:
    async def get_status(self, instance_id: str, *, show_input: bool) -> Any:
        raise ConnectionRefusedError


async def test_who_gets_no_answer_goes_on() -> None:
    """The host may be about to end; what there is to do is done meanwhile."""
    assert await asking(Broken(), {"batch_id": "b", "run": "mine"})() is RunState.GO_ON


@pytest.mark.parametrize(("status", "done", "wait"), [("Terminated", True, 0.0), ("Suspended", False, NAP_SECONDS)])
async def test_no_slice_begins(world: World, status: str, done: bool, wait: float) -> None:
    """Of a run that was ended or suspended; nothing is sent."""
    batch = await world.batch(5)
    progress = await work_lane({**cursor(batch), "run": "mine"}, Client(status))

    assert (done, wait, 0) == (progress["done"], progress["wait"], len(world.upstream.asked))


@pytest.fixture
def often(world: World) -> Iterator[None]:
    with use(world.with_settings(lane_times=LaneTimes(run_seconds=0.1))):
        yield


async def change_meanwhile(world: World, status: str) -> tuple[dict[str, Any], Heartbeat | None, Batch]:
    """The end of a slice whose run is `status` from its middle on, and the lane's last word."""
    world.upstream.latency_seconds = 0.2
    batch, client = await world.batch(100), Client("Running")
    lane = asyncio.create_task(work_lane({**cursor(batch), "run": "mine"}, client))
    while not world.upstream.asked:
        await asyncio.sleep(0.01)
    client.said = SimpleNamespace(runtime_status=SimpleNamespace(name=status), input_={"run": "mine"})
    progress = await lane
    stored = await world.service.stores.heartbeats.get("m", batch.id, 0)
    return progress, stored.value if stored else None, batch


async def test_a_suspended_run_holds_its_lanes_up(world: World, often: None) -> None:
    """Within the slice: what is in flight is kept, the batch says why, and other batches of the upstream do not pause."""
    progress, beat, batch = await change_meanwhile(world, "Suspended")

    assert (False, True) == (progress["done"], 0 < progress["wait"] <= NAP_SECONDS)
    assert beat is not None
    assert (True, False, "") == ("suspended" in (beat.reason or ""), beat.asked, beat.holder)
    rows = await world.service.stores.chunks.list(batch.id)
    assert 0 < world.upstream.asked.total() == sum(row.finished for row in rows) < 100


async def test_the_lanes_of_a_terminated_run_end(world: World, often: None) -> None:
    """Within the slice, and what is in flight is kept; nothing of the lane stays behind to be waited for."""
    progress, beat, batch = await change_meanwhile(world, "Terminated")

    assert (True, None) == (progress["done"], beat)
    rows = await world.service.stores.chunks.list(batch.id)
    assert 0 < world.upstream.asked.total() == sum(row.finished for row in rows) < 100
