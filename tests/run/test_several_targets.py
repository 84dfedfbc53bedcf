"""Several targets of one deployment: a lane asks the first that can, moves what one spoils, and waits when none is left."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from activities.work_lane import work_lane
from shared.answer_room import Share
from shared.domain.batches.batch import Batch, Status
from shared.domain.deployments.deployment import Deployment, Role, Target
from shared.domain.deployments.price import Price, Rates
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat
from shared.domain.upstream.upstream import FailureKind, UpstreamAnswer, UpstreamFailure, UpstreamRequest
from shared.services import services, use
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor, documents, run_to_end

Says = Callable[[int], UpstreamAnswer]  # By how often it has been asked.
GONE = UpstreamFailure(kind=FailureKind.UNREACHABLE, detail="refused")
RESET = UpstreamFailure(kind=FailureKind.CONNECTION, detail="reset")
NO_MODEL = answer(404, {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}})


def well(_: int) -> UpstreamAnswer:
    return answer()


@dataclass
class Targets:
    """Upstreams by their host names; each says what it is told to, after a moment."""

    says: dict[str, Says]
    seconds: float = 0.005
    asked: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    documents: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # Where each went.

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        host = request.url.split("/")[2]
        self.asked[host] += 1
        self.documents[msgspec.json.decode(request.body)["messages"][0]["content"].split()[0]][host] += 1
        self.in_flight[host] += 1
        self.peak[host] = max(self.peak[host], self.in_flight[host])
        said = self.says[host](self.asked[host])
        try:
            await asyncio.sleep(self.seconds)
            return said
        finally:
            self.in_flight[host] -= 1

    @property
    def together(self) -> float:
        """Share of the requests that went where most of their document did."""
        return sum(max(hosts.values()) for hosts in self.documents.values()) / self.asked.total()

    async def close(self) -> None:
        pass


def target(name: str, **more: Any) -> Target:
    return Target(name="m", target=name, base_url=f"http://{name}", **({"max_concurrency": 4} | more))


def served(
    world: World, says: dict[str, Says], *targets: Target, leaders_first: bool = True, **settings: Any
) -> tuple[Targets, Any]:
    """Such targets in the place of the world's upstream, for as long as the block takes."""
    upstreams = Targets(says)
    listed = targets or tuple(map(target, says))
    deployment = Deployment(
        name="m",
        base_url=listed[0].base_url,
        max_concurrency=sum(each.max_concurrency for each in listed),
        targets=listed,
        leaders_first=leaders_first,
    )
    usual = {"retry_max_seconds": 30.0} | settings
    service = replace(world.with_settings(deployments={"m": deployment}, **usual), upstream=upstreams)
    return upstreams, use(service)


def ended(batch: Batch) -> tuple[Status, int, int]:
    return batch.status, batch.completed, batch.failed


async def test_each_has_as_many_in_flight_as_it_may(world: World) -> None:
    """All of them together are the lane's."""
    upstreams, serving = served(world, {"a": well, "b": well}, target("a", max_concurrency=2), target("b"))
    with serving:
        batch = await run_to_end(world, await world.batch(100))

    assert ended(batch) == (Status.COMPLETED, 100, 0)
    assert upstreams.peak == {"a": 2, "b": 4}


@pytest.mark.parametrize(
    ("dear", "cheap"),
    [
        ({"role": Role.SPILL_OVER}, {}),
        ({"price": Price(rates=Rates(input=2, output=1))}, {"price": Price(rates=Rates(input=1, output=2))}),
    ],
)
async def test_others_get_what_the_first_has_no_room_for(
    world: World, dear: dict[str, Any], cheap: dict[str, Any]
) -> None:
    """Primary before spill-over, cheap before dear; where the first has room, nobody else is asked."""
    listed = target("a", **dear), target("b", max_concurrency=8, **cheap)
    upstreams, serving = served(world, {"a": well, "b": well}, *listed)
    with serving:
        await run_to_end(world, await world.batch(8))
        few = dict(upstreams.asked)
        await run_to_end(world, await world.batch(100))

    assert few == {"b": 8}
    assert upstreams.peak == {"a": 4, "b": 8}


async def test_equals_share_by_weight(world: World) -> None:
    """Three parts and one, as long as both have room."""
    listed = target("a", max_concurrency=64, weight=3), target("b", max_concurrency=64)
    upstreams, serving = served(world, {"a": well, "b": well}, *listed)
    upstreams.seconds = 0.3
    with serving:
        await run_to_end(world, await world.batch(40))

    assert upstreams.peak == {"a": 30, "b": 10}


@pytest.mark.parametrize(
    "said",
    [
        GONE,
        RESET,
        answer(500),
        answer(401, {"error": {"message": "Incorrect API key"}}),
        answer(403, {"error": {"message": "Not from here"}}),
        answer(429, {"error": {"message": "later"}}),
        answer(429, {"error": {"message": "later"}}, retry_after="3600"),
        NO_MODEL,
        answer(404, b"<html>"),
    ],
    ids=["unreachable", "reset", "500", "401", "403", "429", "an hour", "no model", "no route"],
)
async def test_what_one_target_spoils_another_does(world: World, said: UpstreamAnswer) -> None:
    """No line pays for it, the batch does not wait for it, and the one that is ill is hardly asked."""
    upstreams, serving = served(world, {"a": lambda _: said, "b": well})
    began = time.monotonic()
    with serving:
        batch = await run_to_end(world, await world.batch(300))

    assert ended(batch) == (Status.COMPLETED, 300, 0)
    assert upstreams.asked["a"] < 80
    assert time.monotonic() - began < 20.0


async def test_what_is_wrong_with_a_line_is_its_own(world: World) -> None:
    """A 400 is asked of nobody else, nor a 404 about what the line names."""
    refusals = iter([answer(400), answer(404, {"error": {"message": "No such file: file-1"}})])
    upstreams, serving = served(world, {"a": lambda _: next(refusals, answer()), "b": lambda _: answer()})
    with serving:
        batch = await run_to_end(world, await world.batch(40))

    assert ended(batch) == (Status.COMPLETED, 38, 2)
    assert sum(upstreams.asked.values()) == 40


async def test_a_line_that_nobody_answers_fails(world: World) -> None:
    """After as many attempts as ever, over all targets together."""
    upstreams, serving = served(world, {"a": lambda _: answer(500), "b": lambda _: answer(500)}, patience_seconds=0.0)
    with serving:
        batch = await run_to_end(world, await world.batch(1))

    assert ended(batch) == (Status.COMPLETED, 0, 1)
    assert sum(upstreams.asked.values()) == 5


async def test_one_that_comes_back_is_asked_again(world: World) -> None:
    """In the same slice, when its pause of five seconds is over; then it does its part."""
    back = time.monotonic() + 1.0
    upstreams, serving = served(world, {"a": lambda _: GONE if time.monotonic() < back else answer(), "b": well})
    upstreams.seconds = 0.05
    with serving:
        batch = await run_to_end(world, await world.batch(800))

    assert ended(batch) == (Status.COMPLETED, 800, 0)
    assert upstreams.peak["a"] == 4
    assert upstreams.asked["a"] > 50


async def test_without_any_the_batch_waits(world: World) -> None:
    """It says so, with the reason of the first to be asked again; no line pays."""
    upstreams, serving = served(world, {"a": lambda _: GONE, "b": lambda _: answer(500)})
    with serving:
        batch = await world.batch(300)
        progress = await work_lane(cursor(batch))
        (beat,) = await world.service.stores.heartbeats.list("m")
        asked = sum(upstreams.asked.values())
        upstreams.says = {"a": well, "b": well}
        batch = await run_to_end(world, batch)

    assert (progress["done"], 0 < progress["wait"] <= 5.0, progress["waited"] > 0) == (False, True, True)
    assert asked < 120
    assert (beat.reason or "").startswith("None of the 2 targets of the deployment can be asked now. Target 'a' of ")
    assert ended(batch) == (Status.COMPLETED, 300, 0)


async def test_a_pause_that_one_asked_for_holds_for_all_lanes(world: World) -> None:
    """The row of another lane says so: it is not asked, the others are."""
    upstreams, serving = served(world, {"a": well, "b": well})
    now = datetime.now(UTC)
    said = TargetBeat(target="a", paused_until=now + timedelta(hours=1), asked=True, reason="It wants rest.")
    with serving:
        batch = await world.batch(40)
        beats = world.service.stores.heartbeats
        await beats.beat(Heartbeat(deployment="m", batch_id="other", lane=0, at=now, targets=(said,)))
        await run_to_end(world, batch)

    assert upstreams.asked == {"b": 40}


async def test_the_next_slice_knows_what_this_one_learned(world: World) -> None:
    """Which target rests, and for how long."""
    hour = answer(429, {"error": {"message": "later"}}, retry_after="3600")
    upstreams, serving = served(world, {"a": lambda _: hour, "b": well}, slice_seconds=0.3)
    with serving:
        batch = await run_to_end(world, await world.batch(500))

    assert ended(batch) == (Status.COMPLETED, 500, 0)
    assert upstreams.asked["a"] <= 4


async def test_rows_tell_of_each_target(world: World) -> None:
    """Its limits as headers name them, and what is the matter with it; the lane's reason names it."""
    limited = answer(x_ratelimit_limit_requests="90", x_ratelimit_reset_requests="1s")
    upstreams, serving = served(world, {"a": lambda _: GONE, "b": lambda _: limited})
    upstreams.seconds = 0.2
    with serving:
        running = asyncio.create_task(work_lane(cursor(await world.batch(200))))
        await asyncio.sleep(1.0)
        (beat,) = await services().stores.heartbeats.list("m")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    a, b = beat.targets

    assert (a.target, a.sick, a.paused_until is not None, b.sick, beat.sick) == ("a", True, True, False, False)
    assert (b.observed.requests_per_minute, b.paused_until) == (90, None)
    assert (beat.reason or "").startswith("Target 'a' of the deployment: The upstream cannot be reached.")
    assert msgspec.json.decode(msgspec.json.encode(beat), type=Heartbeat) == beat


async def test_lines_that_begin_alike_go_to_one_target(world: World) -> None:
    """For its prompt cache is its own; each target has its part of the documents, and of the lines."""
    upstreams, serving = served(world, {"a": well, "b": well})
    upstreams.seconds = 0.05
    with serving:
        batch = await run_to_end(world, await world.batch(400, per_chunk=50, prefix_of=documents(16)))

    assert ended(batch) == (Status.COMPLETED, 400, 0)
    assert upstreams.together > 0.85  # Where one has none of its own left, it takes another's.
    assert min(upstreams.asked.values()) > 120


@pytest.mark.parametrize("by", ["deployment", "batch"])
async def test_caches_of_targets_may_be_left_out(world: World, by: str) -> None:
    """Then each request goes to the target with the fewest in flight."""
    upstreams, serving = served(world, {"a": well, "b": well}, leaders_first=by != "deployment")
    with serving:
        await run_to_end(world, await world.batch(400, prefix_of=documents(4), leaders_first=by != "batch"))

    assert upstreams.together < 0.7


async def test_documents_of_one_that_dies_go_to_the_others(world: World) -> None:
    """At once; those of the others stay where they are."""
    upstreams, serving = served(world, {"a": well, "b": lambda nth: GONE if nth > 40 else answer(), "c": well})
    upstreams.seconds = 0.05
    with serving:
        batch = await run_to_end(world, await world.batch(600, per_chunk=50, prefix_of=documents(30)))

    assert ended(batch) == (Status.COMPLETED, 600, 0)
    assert upstreams.together > 0.8
    assert upstreams.asked["b"] < 100
