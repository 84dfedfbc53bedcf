"""A lane's slice of work: work_lane on real stores against a scripted upstream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from activities.work_lane import work_lane
from shared.answer_room import Share
from shared.domain.batches.batch import Batch, CancelRequested, Status
from shared.domain.errors import Unavailable
from shared.domain.lines.prefix_key import LEAST_BYTES
from shared.domain.upstream.upstream import FailureKind, UpstreamAnswer, UpstreamFailure, UpstreamRequest
from shared.domain.vendors.vendor import Vendor
from shared.run.batches.change import change
from shared.services import use
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer


def cursor(batch: Batch, lane: int = 0, lanes: int = 1) -> dict[str, Any]:
    return {"owner": batch.owner, "batch_id": batch.id, "lane": lane, "lanes": lanes}


async def run_to_end(world: World, batch: Batch) -> Batch:
    at = cursor(batch)
    while not (progress := await work_lane(at))["done"]:
        await asyncio.sleep(progress["wait"])
    await finish_batch(at)
    return await world.read(batch)


async def test_every_line_once_in_input_order(world: World) -> None:
    """Each line is asked once and answered once, in the order of the input file, whatever order answers come in."""
    world.upstream.script = lambda prompt, _: 0.001 * (50 - int(prompt[1:]))
    batch = await run_to_end(world, await world.batch(50))

    assert [f"c{n}" for n in range(1, 51)] == [line["custom_id"] for line in await world.lines(batch.output_file_id)]
    assert set(world.upstream.asked.values()) == {1}
    assert (Status.COMPLETED, 50, 0) == (batch.status, batch.completed, batch.failed)


async def test_usage_and_model_are_summed(world: World) -> None:
    """Usage is the sum over all answers; the model is the one the upstream named (contract 2.7)."""
    batch = await run_to_end(world, await world.batch(25))

    assert (50, 75, "m-2026") == (batch.usage.input_tokens, batch.usage.output_tokens, batch.model)


async def test_concurrency_is_bounded_by_the_deployment(world: World) -> None:
    """Never more requests in flight than the deployment's max_concurrency, and that many when there is work."""
    world.upstream.latency_seconds = 0.02
    await run_to_end(world, await world.batch(60))

    assert world.upstream.peak == 8


async def test_slow_line_does_not_idle_the_lane(world: World) -> None:
    """Requests of later chunks start while a line of the first chunk is still with the upstream."""
    order: list[str] = []

    def script(prompt: str, _: int) -> Any:
        order.append(prompt)
        return 0.5 if prompt == "p1" else answer()

    world.upstream.script = script
    await run_to_end(world, await world.batch(40))

    assert len(order) == 40


def documents(count: int) -> Callable[[int], str]:
    """Lines of so many documents, one document after another, ten lines each."""
    return lambda number: f"{(number - 1) // 10 % count} " * LEAST_BYTES


async def sent(world: World, batch: Batch) -> list[int]:
    """The numbers of its lines in the order in which they were asked; no answer comes before all places are taken."""
    order: list[int] = []
    full = asyncio.Event()

    def script(prompt: str, _: int) -> asyncio.Event:
        order.append(int(prompt[1:]))
        if len(order) == 8:
            full.set()
        return full

    world.upstream.script = script
    batch = await run_to_end(world, batch)
    assert [f"c{n}" for n in range(1, batch.total + 1)] == [
        line["custom_id"] for line in await world.lines(batch.output_file_id)
    ]
    return order


async def test_one_line_of_each_prefix_goes_first(world: World) -> None:
    """Leaders of eight prefixes fill the eight places, over eight chunks; the results stand in input order."""
    order = await sent(world, await world.batch(80, prefix_of=documents(8)))

    assert sorted(order[:8]) == list(range(1, 80, 10))


async def test_a_small_cache_is_used_up_before_the_next_prefix(world: World) -> None:
    """With one place, followers go at once when their leader is answered: no other leader has been chosen before."""
    order: list[int] = []

    def script(prompt: str, _: int) -> Any:
        order.append(int(prompt[1:]))
        return answer()

    world.upstream.script = script
    deployments = {"m": msgspec.structs.replace(world.service.settings.deployments["m"], max_concurrency=1)}
    with use(world.with_settings(deployments=deployments)):
        await run_to_end(world, await world.batch(30, per_chunk=30, prefix_of=lambda number: f"{number % 3} " * 4096))

    assert [number % 3 for number in order] == [1] * 10 + [2] * 10 + [0] * 10


async def test_nothing_waits_where_one_prefix_is_left(world: World) -> None:
    """Its lines fill the places at once, in input order."""
    order = await sent(world, await world.batch(30, prefix_of=documents(1)))

    assert sorted(order[:8]) == list(range(1, 9))
    assert world.upstream.peak == 8


async def test_a_deployment_may_keep_the_order_of_files(world: World) -> None:
    """Then no prompt is looked at."""
    deployments = {"m": msgspec.structs.replace(world.service.settings.deployments["m"], leaders_first=False)}
    with use(world.with_settings(deployments=deployments)):
        order = await sent(world, await world.batch(80, prefix_of=documents(8)))

    assert sorted(order[:8]) == list(range(1, 9))


async def test_a_batch_may_keep_the_order_of_its_file(world: World) -> None:
    """As its creation asked."""
    order = await sent(world, await world.batch(80, prefix_of=documents(8), leaders_first=False))

    assert sorted(order[:8]) == list(range(1, 9))


async def cache_keys(world: World, endpoint: str = "/v1/chat/completions", **deployment: Any) -> list[str | None]:
    """What 20 lines of two documents are sent with, in the order of the file."""
    found: dict[int, str | None] = {}
    send = world.upstream.send

    async def look(request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        body = msgspec.json.decode(request.body)
        found[int(body["messages"][-1]["content"][1:])] = body.get("prompt_cache_key")
        return await send(request, share)

    changed = msgspec.structs.replace(world.service.settings.deployments["m"], **deployment)
    upstream = SimpleNamespace(send=look, close=world.upstream.close)
    with use(replace(world.with_settings(deployments={"m": changed}), upstream=upstream)):
        await run_to_end(world, await world.batch(20, prefix_of=documents(2), endpoint=endpoint))
    return [found[number] for number in sorted(found)]


@pytest.mark.parametrize("leaders_first", [True, False])
async def test_prompts_that_begin_alike_are_given_one_cache_key(world: World, leaders_first: bool) -> None:
    """Where the deployment asks for it, whatever order they are sent in."""
    first, *_, last = keys = await cache_keys(world, prompt_cache_key=True, leaders_first=leaders_first)

    assert keys == [first] * 10 + [last] * 10
    assert None is not first != last is not None


async def test_no_cache_key_is_given_unasked(world: World) -> None:
    """Nor where the endpoint does not know it."""
    assert await cache_keys(world) == [None] * 20
    assert await cache_keys(world, "/v1/completions", prompt_cache_key=True) == [None] * 20


async def test_a_leader_that_hangs_holds_nobody_up(world: World) -> None:
    """Its followers go when nothing else is left to send."""
    over = asyncio.Event()
    world.upstream.script = lambda prompt, _: over if prompt == "p1" else answer()
    batch = await world.batch(40, prefix_of=documents(4))
    running = asyncio.create_task(work_lane(cursor(batch)))
    async with asyncio.timeout(60):
        while len(world.upstream.asked) < 40:
            await asyncio.sleep(0.01)
    over.set()
    assert (await running)["done"]


async def test_small_chunks_held_open_do_not_stall_the_feeder(world: World) -> None:
    """Results of several open chunks together fill a group: the journals are written before the feeder has to wait."""
    over = asyncio.Event()
    world.upstream.script = lambda prompt, _: over if prompt in {"p1", "p11", "p21"} else answer()
    with use(world.with_settings(journal_seconds=60.0, journal_results=10)):
        batch = await world.batch(40)
        running = asyncio.create_task(work_lane(cursor(batch)))
        async with asyncio.timeout(60):
            while len(world.upstream.asked) < 40:
                await asyncio.sleep(0.01)
        over.set()
        assert (await running)["done"]


async def test_failures_go_to_the_error_file(world: World) -> None:
    """A 4xx answer is a line of the error file with `error: null`, counted as failed (contract 4.1)."""
    world.upstream.script = lambda prompt, _: answer(400, {"error": {"message": "no"}}) if prompt == "p3" else answer()
    batch = await run_to_end(world, await world.batch(5))

    (line,) = await world.lines(batch.error_file_id)
    assert ("c3", 400, None) == (line["custom_id"], line["response"]["status_code"], line["error"])
    assert (4, 1) == (batch.completed, batch.failed)


async def test_all_failed_has_no_output_file(world: World) -> None:
    """OpenAI: a batch whose every request failed completes with `output_file_id` null (contract 2.5)."""
    world.upstream.script = lambda *_: answer(400, {})
    batch = await run_to_end(world, await world.batch(3))

    assert (Status.COMPLETED, None) == (batch.status, batch.output_file_id)
    assert len(await world.lines(batch.error_file_id)) == 3


async def test_azure_has_both_files(world: World) -> None:
    """Azure: the error file exists with zero bytes when nothing failed (contract 2.5)."""
    batch = await run_to_end(world, await world.batch(3, vendor=Vendor.AZURE))

    assert [] == await world.lines(batch.error_file_id)
    assert batch.error_file_id is not None


async def test_transient_errors_are_retried(world: World) -> None:
    """500, a lost connection and a 429 are sent again and leave no trace in the files."""
    trouble = [answer(500), UpstreamFailure(kind=FailureKind.CONNECTION, detail="reset"), answer(429)]
    world.upstream.script = lambda _, before: trouble[before] if before < 3 else answer()
    batch = await run_to_end(world, await world.batch(5))

    assert (5, 0) == (batch.completed, batch.failed)
    assert set(world.upstream.asked.values()) == {4}


async def test_attempts_are_bounded(world: World) -> None:
    """A line that always meets a 500 fails after max_attempts calls, with the last answer in its line."""
    world.upstream.script = lambda prompt, _: (
        answer(500, {"error": {"message": "boom"}}) if prompt == "p2" else answer()
    )
    batch = await run_to_end(world, await world.batch(3))

    (line,) = await world.lines(batch.error_file_id)
    assert 500 == line["response"]["status_code"]
    assert world.service.settings.max_attempts == world.upstream.asked["p2"]


async def test_long_pause_is_left_to_the_orchestrator(world: World) -> None:
    """A Retry-After past pause_seconds ends the slice with `wait`, and the line is asked again afterwards."""
    world.upstream.script = lambda _, before: answer(429, {}, retry_after="1") if before == 0 else answer()
    with use(world.with_settings(pause_seconds=0.5)):
        batch = await world.batch(3)
        progress = await work_lane(cursor(batch))
        assert not progress["done"]
        assert 0.5 < progress["wait"] <= 1.1
        batch = await run_to_end(world, batch)

    assert 3 == batch.completed


async def test_repeated_activity_sends_only_what_is_missing(world: World) -> None:
    """An activity that was killed is repeated: journaled lines are not sent again."""
    world.upstream.script = lambda prompt, _: 5.0 if prompt in {"p7", "p8"} else answer()
    batch = await world.batch(10)
    killed = asyncio.create_task(work_lane(cursor(batch)))
    while not (row := await world.service.stores.chunks.get(batch.id, 0)) or row.value.completed < 8:
        await asyncio.sleep(0.01)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    world.upstream.script = lambda *_: answer()
    batch = await run_to_end(world, batch)

    assert {"p7": 2, "p8": 2} == {prompt: n for prompt, n in world.upstream.asked.items() if n > 1}
    assert 10 == batch.completed


async def test_two_activities_at_once_keep_every_line_once(world: World) -> None:
    """The same chunk processed twice at the same time (at-least-once delivery) yields every custom_id exactly once."""
    world.upstream.latency_seconds = 0.01
    batch = await world.batch(40)
    await asyncio.gather(work_lane(cursor(batch)), work_lane(cursor(batch)))
    batch = await run_to_end(world, batch)

    assert [f"c{n}" for n in range(1, 41)] == [line["custom_id"] for line in await world.lines(batch.output_file_id)]
    assert 40 == batch.completed


async def test_lanes_split_the_chunks(world: World) -> None:
    """Two lanes side by side answer every line once."""
    batch = await world.batch(45)
    await asyncio.gather(work_lane(cursor(batch, 0, 2)), work_lane(cursor(batch, 1, 2)))
    await finish_batch(cursor(batch))
    batch = await world.read(batch)

    assert (Status.COMPLETED, 45) == (batch.status, batch.completed)
    assert set(world.upstream.asked.values()) == {1}


async def test_a_lane_helps_the_others(world: World) -> None:
    """A lane that is through with its own chunks takes over free ones of another, so that all end together."""
    world.upstream.latency_seconds = 0.01
    batch = await world.batch(60)
    assert (await work_lane(cursor(batch, 1, 2)))["done"]
    await finish_batch(cursor(batch))

    assert 60 == (await world.read(batch)).completed


async def test_slice_ends_and_the_next_goes_on(world: World) -> None:
    """At the end of its slice an activity says that it is not done; nothing is asked twice."""
    world.upstream.latency_seconds = 0.05
    with use(world.with_settings(slice_seconds=0.2)):
        batch = await world.batch(60)
        first = await work_lane(cursor(batch))
        assert not first["done"]
        batch = await run_to_end(world, batch)

    assert 60 == batch.completed
    assert set(world.upstream.asked.values()) == {1}


async def test_cancel_keeps_what_finished(world: World) -> None:
    """After a cancel, finished lines are in the output file and the rest are `batch_cancelled` lines, each once."""
    world.upstream.latency_seconds = 0.05
    batch = await world.batch(100)
    running = asyncio.create_task(work_lane(cursor(batch)))
    while len(world.upstream.asked) < 20:
        await asyncio.sleep(0.01)
    await change(world.service, batch, CancelRequested())
    assert (await asyncio.wait_for(running, 30))["done"]
    await finish_batch(cursor(batch))
    batch = await world.read(batch)

    output, error = await world.lines(batch.output_file_id), await world.lines(batch.error_file_id)
    assert Status.CANCELLED is batch.status
    assert {f"c{n}" for n in range(1, 101)} == {line["custom_id"] for line in output + error}
    assert 100 == len(output + error)
    assert {"batch_cancelled"} == {line["error"]["code"] for line in error}
    assert (len(output), 0) == (batch.completed, batch.failed)


async def test_requests_in_flight_at_a_cancel_are_waited_for_within_bounds(world: World) -> None:
    """A hanging request does not hold up a cancel longer than drain_seconds."""
    world.upstream.script = lambda *_: 60.0
    batch = await world.batch(3)
    running = asyncio.create_task(work_lane(cursor(batch)))
    while len(world.upstream.asked) < 3:
        await asyncio.sleep(0.01)
    await change(world.service, batch, CancelRequested())

    assert (await asyncio.wait_for(running, 30))["done"]


async def test_a_full_gate_does_not_hold_up_a_cancel(world: World) -> None:
    """With every place taken by a hanging request and lines waiting for one, a cancel still ends the slice in time."""
    world.upstream.script = lambda *_: 60.0
    batch = await world.batch(100)
    running = asyncio.create_task(work_lane(cursor(batch)))
    while len(world.upstream.asked) < 8:
        await asyncio.sleep(0.01)
    await change(world.service, batch, CancelRequested())

    assert (await asyncio.wait_for(running, 30))["done"]


async def test_deadline_expires_the_batch(world: World) -> None:
    """Past `expires_at` the batch is `expired`, with what finished and `batch_expired` lines (contract 2.6)."""
    world.upstream.latency_seconds = 0.05
    batch = await world.batch(100)

    def now() -> datetime:
        """A day is over once twenty lines were asked."""
        return datetime.now(UTC) + timedelta(days=len(world.upstream.asked) >= 20)

    with use(replace(world.service, now=now)):
        batch = await run_to_end(world, batch)

    output, error = await world.lines(batch.output_file_id), await world.lines(batch.error_file_id)
    assert Status.EXPIRED is batch.status
    assert 100 == len(output) + len(error)
    assert {"batch_expired"} == {line["error"]["code"] for line in error}
    assert 0 < len(output) < 100


async def test_azure_never_expires(world: World) -> None:
    """Azure runs past `expires_at` until done (contract 2.6)."""
    batch = await world.batch(5, vendor=Vendor.AZURE, expires_at=datetime.now(UTC) - timedelta(hours=1))
    batch = await run_to_end(world, batch)

    assert (Status.COMPLETED, 5) == (batch.status, batch.completed)


async def test_finish_may_be_repeated(world: World) -> None:
    """finish_batch after finish_batch changes nothing: same ids, same files."""
    batch = await run_to_end(world, await world.batch(5))
    await finish_batch(cursor(batch))

    assert batch == await world.read(batch)
    assert 1 == len(await world.service.stores.files.list(batch.owner, limit=10))


async def test_journals_and_plan_go_with_the_end(world: World) -> None:
    """After the end only the result files are left of the run."""
    batch = await run_to_end(world, await world.batch(15))

    with pytest.raises(Exception, match="no blob"):
        await world.service.stores.blobs.size(f"plans/{batch.id}")


async def test_results_past_the_memory_budget_are_read_back(world: World) -> None:
    """Results that memory does not hold come from the journal when the chunk is sealed; nothing is lost."""
    world.upstream.script = lambda prompt, _: answer(200, {"text": prompt * 200})
    with use(world.with_settings(kept_result_bytes=1000)):
        batch = await run_to_end(world, await world.batch(30))

    lines = await world.lines(batch.output_file_id)
    assert [f"p{n}" * 200 for n in range(1, 31)] == [line["response"]["body"]["text"] for line in lines]


async def test_a_failing_store_loses_no_answer(world: World) -> None:
    """A storage failure in mid-run ends the slice; finished lines are kept and not sent again."""
    real = world.service.stores.blobs.append
    failures = iter([True, True])

    async def failing(name: str, data: bytes) -> None:
        if next(failures, False):
            raise Unavailable("The store is down.")
        await real(name, data)

    world.service.stores.blobs.append = failing  # type: ignore[method-assign]
    world.upstream.latency_seconds = 0.02
    batch = await world.batch(60, per_chunk=60)
    at = cursor(batch)
    for _ in range(5):
        try:
            if (await work_lane(at))["done"]:
                break
        except Unavailable:
            continue
    await finish_batch(at)
    batch = await world.read(batch)

    assert 60 == batch.completed
    assert set(world.upstream.asked.values()) == {1}
