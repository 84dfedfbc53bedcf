"""An upstream that is down, refuses, or states its limits: the lane waits, and loses no line to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from activities.work_lane import work_lane
from shared.answer_room import ResultMemory
from shared.domain.batches.batch import Batch, CancelRequested, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.retry import Attempts
from shared.domain.upstream.upstream import FailureKind, UpstreamAnswer, UpstreamFailure
from shared.run.batches.change import change
from shared.run.chunks.journal import Journal
from shared.services import services, use
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor, run_to_end

DOWN = UpstreamFailure(kind=FailureKind.CONNECTION, detail="reset")
UNREACHABLE = UpstreamFailure(kind=FailureKind.UNREACHABLE, detail="refused")


@pytest.fixture(autouse=True)
def _patient(world: World) -> Iterator[None]:
    """Pauses as they are by default; back-off stays short."""
    with use(world.with_settings(retry_max_seconds=30.0)):
        yield


async def test_an_upstream_that_is_down_is_left_alone(world: World) -> None:
    """After some forty failing calls the lane pauses; no line has failed, and the reason is with its heartbeat."""
    world.upstream.script = lambda *_: DOWN
    batch = await world.batch(500)
    progress = await work_lane(cursor(batch))

    (beat,) = await world.service.stores.heartbeats.list("m")
    assert (False, 5.0) == (progress["done"], round(progress["wait"]))
    assert sum(world.upstream.asked.values()) < 80
    assert 0 == sum(row.failed for row in await world.service.stores.chunks.list(batch.id))
    assert "connection" in (beat.reason or "")


async def test_it_goes_on_when_the_upstream_is_back(world: World) -> None:
    """The slice after the pause finishes the batch; nothing failed."""
    world.upstream.script = lambda *_: DOWN
    batch = await world.batch(100)
    await work_lane(cursor(batch))
    world.upstream.script = lambda *_: answer()
    batch = await run_to_end(world, batch)

    assert (Status.COMPLETED, 100, 0) == (batch.status, batch.completed, batch.failed)
    assert [] == await world.service.stores.heartbeats.list("m")


async def test_pauses_grow(world: World) -> None:
    """Each pause is as long as all before it, up to two thirds of the longest back-off: the rest is for the way."""
    world.upstream.script = lambda *_: DOWN
    batch = await world.batch(500)
    now, pauses, waited = datetime.now(UTC), [], 0.0
    for _ in range(5):
        with use(replace(services(), now=lambda at=now: at)):
            waited = (await work_lane({**cursor(batch), "waited": waited}))["waited"]
        (beat,) = await world.service.stores.heartbeats.list("m")
        assert beat.paused_until is not None
        pauses.append(round((beat.paused_until - now).total_seconds()))
        now = beat.paused_until

    assert [5, 5, 10, 20, 20] == pauses


async def test_a_long_pause_is_slept_in_naps(world: World) -> None:
    """Nothing is sent before it is over, but the lane soon sees that its batch was cancelled."""
    world.upstream.script = lambda *_: answer(429, {}, retry_after="3600")
    batch = await world.batch(30)
    first = await work_lane(cursor(batch))
    asked = sum(world.upstream.asked.values())
    second = await work_lane({**cursor(batch), "waited": first["waited"]})
    (beat,) = await world.service.stores.heartbeats.list("m")
    await change(world.service, batch, CancelRequested())
    third = await work_lane({**cursor(batch), "waited": second["waited"]})

    assert [15.0, 15.0] == [first["wait"], second["wait"]]
    assert asked == sum(world.upstream.asked.values())
    assert beat.paused_until is not None
    assert (beat.paused_until - datetime.now(UTC)).total_seconds() > 3500
    assert third["done"]


async def test_a_pause_from_before_the_clock_was_set_holds_nothing(world: World) -> None:
    """A beat from the future is no reason to wait."""
    batch = await world.batch(30)
    later = datetime.now(UTC) + timedelta(days=1)
    beat = Heartbeat(
        deployment="m", batch_id=batch.id, lane=0, at=later, paused_until=later + timedelta(seconds=5), reason="down"
    )
    await world.service.stores.heartbeats.beat(beat)
    progress = await work_lane({**cursor(batch), "waited": 5.0})

    assert progress["done"]


async def test_patience_ends(world: World) -> None:
    """When patience is used up lines use their own attempts and fail, so that no batch waits for ever."""
    world.upstream.script = lambda *_: answer(500, {})
    batch = await world.batch(60)
    progress = await work_lane({**cursor(batch), "waited": world.service.settings.patience_seconds})

    assert progress["done"]
    assert 60 == sum(row.failed for row in await world.service.stores.chunks.list(batch.id))


async def test_the_last_line_of_a_lane_waits_with_the_lanes_that_wait(world: World) -> None:
    """Alone it cannot tell whose fault a refusal is; while another lane finds the upstream sick, its last attempt is kept."""
    back = False
    world.upstream.script = lambda *_: answer() if back else answer(429, {})
    batch, stores = await world.batch(1), world.service.stores
    now = world.service.now()
    pause = {"paused_until": now + timedelta(hours=1), "sick": True}
    other = Heartbeat(deployment="m", batch_id=batch.id, lane=1, at=now, **pause)
    await stores.heartbeats.beat(other)
    with use(world.with_settings(retry_first_seconds=0.001, retry_max_seconds=0.01, max_throttled_attempts=3)):
        running = asyncio.create_task(work_lane(cursor(batch, 0, 2)))
        while world.upstream.asked.total() < 2:
            await asyncio.sleep(0.005)
        looks: set[datetime] = set()
        while len(looks) < 4 and not running.done():
            looks |= {beat.at for beat in await stores.heartbeats.list("m", batch.id) if beat.lane == 0}
            await asyncio.sleep(0.005)
        asked, back = world.upstream.asked.total(), True
        await stores.heartbeats.stop(other)
        progress = await running
    (row,) = await stores.chunks.list(batch.id)

    assert (2, True) == (asked, progress["done"])
    assert (1, 0) == (row.finished, row.failed)


async def test_three_faults_in_ten_do_not_pause(world: World) -> None:
    """A flaky upstream is retried, not left alone."""
    calls = iter(range(10**6))
    world.upstream.script = lambda *_: answer(500, {}) if next(calls) % 10 < 3 else answer()
    batch = await world.batch(300)
    progress = await work_lane(cursor(batch))

    assert progress["done"]
    assert 300 == sum(row.finished for row in await world.service.stores.chunks.list(batch.id))


async def test_a_pause_the_upstream_asked_for_holds_for_every_lane(world: World) -> None:
    """A lane that meets another lane's long Retry-After sends nothing until it is over."""
    now = datetime.now(UTC)
    other = Heartbeat(
        deployment="m", batch_id="other", lane=0, at=now, paused_until=now + timedelta(seconds=20), asked=True
    )
    await world.service.stores.heartbeats.beat(other)
    progress = await work_lane(cursor(await world.batch(30)))

    assert 15 == progress["wait"]
    assert not world.upstream.asked


async def test_limits_in_headers_are_kept(world: World) -> None:
    """Without configured limits the lane paces itself by the upstream's x-ratelimit headers."""
    world.upstream.script = lambda *_: answer(x_ratelimit_limit_requests="600", x_ratelimit_reset_requests="1s")
    world.upstream.latency_seconds = 0.05
    batch = await world.batch(400)
    running = asyncio.create_task(work_lane(cursor(batch)))
    await asyncio.sleep(1.0)
    before = sum(world.upstream.asked.values())
    await asyncio.sleep(1.0)
    after = sum(world.upstream.asked.values())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert 5 <= after - before <= 15


async def test_a_refused_credential_waits_for_the_operator(world: World) -> None:
    """401 from the upstream is no line's fault: the lane pauses and says why."""
    world.upstream.script = lambda *_: answer(401, {})
    with use(world.service):
        progress = await work_lane(cursor(await world.batch(500)))

    (beat,) = await world.service.stores.heartbeats.list("m")
    assert not progress["done"]
    assert "The operator has to correct the api_key" in (beat.reason or "")


@pytest.mark.parametrize("trouble", [UNREACHABLE, answer(401, {})], ids=["unreachable", "credential"])
@pytest.mark.parametrize("lines", [1, 3, 100])
async def test_no_line_pays_for_what_no_request_can_cause(world: World, lines: int, trouble: UpstreamAnswer) -> None:
    """However small the batch: it waits from the first moment, says why, and no line has used an attempt."""
    world.upstream.script = lambda *_: trouble
    batch = await world.batch(lines, per_chunk=100)
    progress = await work_lane(cursor(batch))
    (beat,) = await world.service.stores.heartbeats.list("m")

    assert (False, 5.0) == (progress["done"], round(progress["wait"]))
    assert sum(world.upstream.asked.values()) <= 8
    assert beat.reason
    assert {} == await tried(world, batch)


async def test_a_sick_upstream_is_asked_by_one_request(world: World) -> None:
    """After a pause one request asks whether it is back; it costs its line nothing, and the next pause follows."""
    world.upstream.script = lambda *_: answer(500, {})
    batch = await world.batch(100, per_chunk=100)
    progress = await work_lane({**cursor(batch), "waited": 40.0})

    assert (False, 60.0) == (progress["done"], round(progress["waited"]))
    assert 1 == sum(world.upstream.asked.values())
    assert {} == await tried(world, batch)


async def test_full_speed_at_the_first_success(world: World) -> None:
    """The first answer opens the gate for all."""
    world.upstream.latency_seconds = 0.02
    batch = await world.batch(100, per_chunk=100)
    progress = await work_lane({**cursor(batch), "waited": 40.0})

    assert progress["done"]
    assert 8 == world.upstream.peak


async def test_one_line_that_it_cannot_answer_does_not_stand_for_a_sick_upstream(world: World) -> None:
    """The line that asks is another each time."""
    world.upstream.script = lambda prompt, _: answer(500, {}) if prompt == "p1" else answer()
    batch = await world.batch(10)
    for _ in range(10):
        if (progress := await work_lane({**cursor(batch), "waited": 5.0}))["done"]:
            break
        await expire_pause(world)

    assert progress["done"]
    assert 9 == sum(row.completed for row in await world.service.stores.chunks.list(batch.id))


async def test_the_reason_stays_while_it_is_asked_again(world: World) -> None:
    """While one request asks, the batch still says what held it up."""
    world.upstream.script = lambda *_: UNREACHABLE
    batch = await world.batch(3)
    progress = await work_lane(cursor(batch))
    await expire_pause(world)
    world.upstream.latency_seconds = 0.5
    asking = asyncio.create_task(work_lane({**cursor(batch), "waited": progress["waited"]}))
    await asyncio.sleep(0.25)
    (beat,) = await world.service.stores.heartbeats.list("m")
    await asking

    assert "cannot be reached" in (beat.reason or "")
    assert beat.paused_until is None


async def test_an_upstream_that_refuses_everybody_is_sick(world: World) -> None:
    """429 to all, again and again: no line uses its attempts up for it."""
    world.upstream.script = lambda *_: answer(429, {})
    with use(world.with_settings(retry_max_seconds=0.02)):
        batch = await world.batch(20)
        progress = await work_lane(cursor(batch))

    assert not progress["done"]
    assert 0 == sum(row.finished for row in await world.service.stores.chunks.list(batch.id))


async def test_a_quota_used_up_waits_for_the_operator(world: World) -> None:
    """Not the line's fault, however small the batch; the upstream's own words say what is the matter."""
    words = "You exceeded your current quota, please check your plan and billing details."
    world.upstream.script = lambda *_: answer(429, {"error": {"code": "insufficient_quota", "message": words}})
    progress = await work_lane(cursor(await world.batch(1)))
    (beat,) = await world.service.stores.heartbeats.list("m")

    assert not progress["done"]
    assert words in (beat.reason or "")


FORBIDDEN = answer(403, {"error": {"message": "Blocked."}})


@pytest.mark.parametrize("forbidden", ["p3", "p1"])
async def test_a_403_is_the_lines_where_others_succeed(world: World, forbidden: str) -> None:
    """It fails, also where it was the first of all to be answered; the others lose nothing."""
    world.upstream.script = lambda prompt, _: FORBIDDEN if prompt == forbidden else answer()
    batch = await run_to_end(world, await world.batch(30))

    (line,) = await world.lines(batch.error_file_id)
    assert (29, 1) == (batch.completed, batch.failed)
    assert (403, {"error": {"message": "Blocked."}}) == (line["response"]["status_code"], line["response"]["body"])


async def test_an_upstream_that_forbids_everything_costs_no_line(world: World) -> None:
    """Nothing has succeeded: the batch waits for the operator, who reads the upstream's words; then every line runs."""
    world.upstream.script = lambda *_: FORBIDDEN
    batch = await world.batch(100, per_chunk=100)
    progress = await work_lane(cursor(batch))
    (beat,) = await world.service.stores.heartbeats.list("m")
    await expire_pause(world)
    again = await work_lane({**cursor(batch), "waited": progress["waited"]})

    assert (progress["done"], again["done"]) == (False, False)
    assert "forbids every request" in (beat.reason or "")
    assert "Blocked." in (beat.reason or "")
    assert sum(world.upstream.asked.values()) < 60
    await expire_pause(world)
    world.upstream.script = lambda *_: answer()
    assert (await run_to_end(world, batch)).completed == 100


async def test_few_lines_that_are_all_forbidden_end(world: World) -> None:
    """They cannot be told from lines that are refused for what is in them: each ends by its own attempts."""
    world.upstream.script = lambda *_: FORBIDDEN
    with use(world.with_settings(retry_max_seconds=0.02)):
        batch = await run_to_end(world, await world.batch(2))

    assert (0, 2) == (batch.completed, batch.failed)
    assert {5} == set(world.upstream.asked.values())


async def expire_pause(world: World) -> None:
    """As if the lane's pause were over."""
    (beat,) = await world.service.stores.heartbeats.list("m")
    await world.service.stores.heartbeats.beat(msgspec.structs.replace(beat, paused_until=beat.at))


async def tried(world: World, batch: Batch) -> dict[int, Attempts]:
    """What the first chunk's journal says that its lines have been through."""
    row = ChunkRow(batch_id=batch.id, index=0)
    return (await Journal.open(world.service.stores.blobs, row, ResultMemory(10**6))).attempts
