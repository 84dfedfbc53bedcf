"""Batches whose lines are worked on grouped by prefix: asked side by side, answered in input order, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from activities.validate_input import validate_input
from activities.work_lane import work_lane
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.batches.batch import Batch, CancelRequested, RequestsDone, Status
from shared.domain.batches.chunk import Plan, plan_blob
from shared.domain.deployments.leaders import Leaders
from shared.domain.errors import WrongState
from shared.domain.lines.prefix_key import LEAST_BYTES
from shared.domain.lines.request_line import digest_of
from shared.domain.validation.input_scan import Accepted
from shared.domain.vendors.vendor import Vendor
from shared.run.batches.change import change
from shared.run.chunks.finished_lines import ended_lines, running_lines
from shared.run.chunks.grouped_copy import with_copy
from shared.run.chunks.plan import lines_in, read_all, read_lines, read_plan
from shared.run.input.input_pass import scan_input
from shared.services import use
from tests.contracts.conftest import fresh_names
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer
from tests.run.test_damage import accepted_batch, outcomes, run
from tests.run.test_lane import cursor, run_to_end

LINES, PREFIXES = 60, 6
CHUNK_LINES = 10


@pytest.fixture
async def world(world: World) -> AsyncIterator[World]:
    """With small chunks, and proofs that take no second."""
    settings = {"chunk_lines": CHUNK_LINES, "proof_seconds": 0.01}
    with use(world.with_settings(**settings)) as service:
        yield replace(world, service=service)


def prefix_of(number: int) -> str:
    return f"{number % PREFIXES} " * LEAST_BYTES


async def scattered(world: World, **changes: Any) -> Batch:
    """Accepted by validation: each line begins as the sixth before it does."""
    return await accepted_batch(world, LINES, prefix_of=prefix_of, **changes)


async def plan_of(world: World, batch: Batch) -> Plan:
    plan = await read_plan(world.service.stores.blobs, batch)
    assert plan is not None
    return plan


async def blobs_of(world: World, batch: Batch) -> list[str]:
    """But for the plan that the world has made, which no record names."""
    names = [name async for name in world.service.stores.blobs.names("") if batch.id in name]
    return [name for name in names if name != plan_blob(batch.id, None)]


async def still_wanted() -> bool:
    return True


def custom_ids(lines: Iterable[dict[str, Any]]) -> list[int]:
    return [int(line["custom_id"][1:]) for line in lines]


async def test_lines_are_asked_side_by_side_and_answered_in_order(world: World) -> None:
    """Each chunk has one prefix; of those that were refused, the error file is in order, too."""
    order: list[int] = []

    def script(prompt: str, _: int) -> Any:
        order.append(int(prompt[1:]))
        return answer(400, {"error": {"code": "no"}}) if int(prompt[1:]) % 7 == 0 else answer()

    world.upstream.script = script
    batch = await scattered(world)
    plan = await plan_of(world, batch)
    batch = await run_to_end(world, batch)
    output, errors = await world.lines(batch.output_file_id), await world.lines(batch.error_file_id)

    assert batch.grouped
    assert [{number % PREFIXES for number in chunk.numbers or ()} for chunk in plan.chunks] == [
        {(first + 1) % PREFIXES} for first in range(PREFIXES)
    ]
    assert sum(number % PREFIXES != other % PREFIXES for number, other in pairwise(order)) < LINES / 2
    assert custom_ids(output) == [number for number in range(1, LINES + 1) if number % 7]
    assert custom_ids(errors) == list(range(7, LINES + 1, 7))
    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, 52, 8)
    assert sorted(await blobs_of(world, batch)) == [f"results/{batch.id}/error", f"results/{batch.id}/output"]
    assert batch.failures[0].first_line == 7


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_files_are_those_of_the_vendor(world: World, vendor: Vendor) -> None:
    """Where nothing failed, there is an empty error file or none."""
    batch = await run_to_end(world, await scattered(world, vendor=vendor))

    assert custom_ids(await world.lines(batch.output_file_id)) == list(range(1, LINES + 1))
    assert (batch.error_file_id is not None) is batch.rules.keeps_empty_files
    assert await world.lines(batch.error_file_id) == []


@pytest.mark.parametrize("leaders_first", [False, "neighbours"])
async def test_a_batch_may_keep_the_plan_of_its_file(world: World, leaders_first: Leaders) -> None:
    """Or its deployment may."""
    batch = await scattered(world, leaders_first=leaders_first)

    assert not batch.grouped
    assert (await plan_of(world, batch)).grouped_copy is None


@pytest.mark.parametrize("leaders_first", [False, "neighbours"])
async def test_a_deployment_may_keep_the_plan_of_files(world: World, leaders_first: Leaders) -> None:
    """Whatever its batches say."""
    deployment = msgspec.structs.replace(world.service.settings.deployments["m"], leaders_first=leaders_first)
    with use(world.with_settings(deployments={"m": deployment})):
        assert not (await scattered(world)).grouped


async def test_while_it_runs_results_are_found_by_custom_id_only(world: World) -> None:
    """In input order there is nothing before the end; then there is all."""
    batch = await scattered(world)
    given = await read_all(world.service.stores.blobs, "files/in")
    await work_lane(cursor(batch))

    async def running(after: int, *, in_order: bool) -> list[int]:
        return [each.line async for each in running_lines(world.service, batch, after, in_order=in_order)]

    assert await running(0, in_order=True) == []
    assert sorted(await running(0, in_order=False)) == list(range(1, LINES + 1))
    assert sorted(await running(57, in_order=False)) == [58, 59, 60]
    await finish_batch(cursor(batch))
    await world.service.stores.blobs.put("files/in", given)
    batch = await world.read(batch)
    assert [each.line async for each in ended_lines(world.service, batch, 0)] == list(range(1, LINES + 1))


async def test_a_cancelled_batch_says_of_each_line_what_became_of_it(world: World) -> None:
    """What ran is in the output, in order; the rest in the error file, in order, each under its custom_id."""
    half = asyncio.Event()

    def script(prompt: str, _: int) -> Any:
        if sum(world.upstream.asked.values()) > LINES / 2:
            half.set()
            return 30.0
        return answer()

    world.upstream.script = script
    batch = await scattered(world)
    work = asyncio.create_task(work_lane(cursor(batch)))
    await half.wait()
    await change(world.service, batch, CancelRequested())
    await work
    await finish_batch(cursor(batch))
    batch = await world.read(batch)
    output, errors = await world.lines(batch.output_file_id), await world.lines(batch.error_file_id)

    assert batch.status is Status.CANCELLED
    assert min(len(output), len(errors)) > 10
    assert custom_ids(output) == sorted(custom_ids(output))
    assert custom_ids(errors) == sorted(custom_ids(errors))
    assert sorted(custom_ids(output + errors)) == list(range(1, LINES + 1))
    assert {line["error"]["code"] for line in errors} == {"batch_cancelled"}


@pytest.mark.parametrize("most_held_bytes", [1, 100_000, 10_000_000])
async def test_a_copy_is_the_input_in_another_order(world: World, most_held_bytes: int) -> None:
    """However many parts it is written in, what lines share is there once in each; an older form is read, too."""
    blobs = world.service.stores.blobs
    batch = await accepted_batch(world, LINES, prefix_of=prefix_of, validations=0)
    verdict = await scan_input(world.service, batch, still_wanted)
    assert isinstance(verdict, Accepted)
    lines = dict(enumerate((await read_all(blobs, "files/in")).splitlines(), 1))
    plan = (await with_copy(blobs, batch, verdict, most_held_bytes=most_held_bytes)).plan
    found = [await read_lines(blobs, plan.grouped_copy or "", chunk) for chunk in plan.chunks]

    assert {number: line for chunk in found for number, line in chunk.items()} == lines
    assert [list(chunk) for chunk in found] == [list(chunk.numbers or ()) for chunk in plan.chunks]
    size = await blobs.size(plan.grouped_copy or "")
    assert sum(chunk.length for chunk in plan.chunks) == size
    assert (size < 2 * PREFIXES * len(prefix_of(1))) is (most_held_bytes > 1)
    whole = b"".join(line + b"\n" for line in found[0].values())
    older = msgspec.structs.replace(plan.chunks[0], length=len(whole), digest=digest_of(found[0].values()), stored=None)
    assert lines_in(older, whole) == found[0]
    assert older.holds([*found[0].values()])
    assert not older.holds([*lines_in(older, whole.replace(b"c1", b"c2")).values()])
    assert lines_in(plan.chunks[0], whole) == {}


async def test_a_validation_that_comes_twice_writes_the_same(world: World) -> None:
    """At once: the record names one plan, whose copy is there."""
    batch = await scattered(world, validations=3)
    plan = await plan_of(world, batch)

    assert sorted(await blobs_of(world, batch)) == [plan.grouped_copy, plan_blob(batch.id, batch.plan)]
    assert (await run_to_end(world, batch)).completed == LINES


async def test_a_cancelled_validation_leaves_no_copy(world: World) -> None:
    """Nor a plan."""
    batch = await accepted_batch(world, LINES, prefix_of=prefix_of, validations=0)
    validating = asyncio.create_task(validate_input(cursor(batch)))
    while not await blobs_of(world, batch):
        await asyncio.sleep(0)
    await change(world.service, batch, CancelRequested())

    assert (await validating)["outcome"] == "cancelled"
    assert await blobs_of(world, batch) == []


@pytest.mark.parametrize("damage", [None, b"", b"{}\n" * LINES])
async def test_a_copy_that_is_gone_or_damaged_is_made_again(world: World, damage: bytes | None) -> None:
    """From the input; the batch completes."""
    batch = await scattered(world)
    copy = (await plan_of(world, batch)).grouped_copy
    assert copy is not None
    await world.service.stores.blobs.delete(copy)
    if damage is not None:
        await world.service.stores.blobs.put(copy, damage)
    batch = await run(world, batch)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, LINES, 0)
    assert custom_ids(await world.lines(batch.output_file_id)) == list(range(1, LINES + 1))


async def test_a_plan_that_is_gone_is_made_again(world: World) -> None:
    """With its copy."""
    batch = await scattered(world)
    await world.service.stores.blobs.delete_prefix(f"inputs/{batch.id}/")
    await world.service.stores.blobs.delete(plan_blob(batch.id, batch.plan))

    assert (await run(world, batch)).completed == LINES


async def test_a_copy_that_cannot_be_made_again(world: World) -> None:
    """Copy and input are gone: what ran is delivered in order, the rest fails."""
    batch = await scattered(world)
    plan = await plan_of(world, batch)
    done = plan.chunks[0].numbers or ()
    copy = plan.grouped_copy or ""
    head = await read_all(world.service.stores.blobs, copy, 0, plan.chunks[0].length)
    await world.service.stores.blobs.delete(copy)
    await world.service.stores.blobs.put(copy, head)
    await world.service.stores.blobs.delete("files/in")
    batch = await run(world, batch)
    lines = await outcomes(world, batch)

    assert (batch.status, batch.completed, batch.failed) == (Status.COMPLETED, CHUNK_LINES, LINES - CHUNK_LINES)
    assert lines[:CHUNK_LINES] == [(f"c{number}", None) for number in done]
    assert lines[CHUNK_LINES:] == [(None, "internal_error")] * (LINES - CHUNK_LINES)
    ids = [line["id"] for line in await world.lines(batch.error_file_id)]
    assert len(set(ids)) == LINES - CHUNK_LINES


async def test_without_plan_and_input_what_ran_is_delivered_in_order(world: World) -> None:
    """The batch says how many lines are lost."""
    batch = await scattered(world)
    await work_lane(cursor(batch))
    await world.service.stores.blobs.delete(plan_blob(batch.id, batch.plan))
    await world.service.stores.blobs.delete("files/in")
    await finish_batch(cursor(batch))
    batch = await world.read(batch)

    assert custom_ids(await world.lines(batch.output_file_id)) == list(range(1, LINES + 1))


async def test_two_ends_at_once_are_one(world: World) -> None:
    """Each merges the same, or finds that the other has."""
    batch = await scattered(world)
    await work_lane(cursor(batch))
    await change(world.service, batch, RequestsDone())
    ends = await asyncio.gather(*(finish_batch(cursor(batch)) for _ in range(3)), return_exceptions=True)
    again = await finish_batch(cursor(batch))
    batch = await world.read(batch)

    assert [end for end in ends if isinstance(end, Exception) and not isinstance(end, WrongState)] == []
    assert again == {"done": True, "status": Status.COMPLETED}
    assert custom_ids(await world.lines(batch.output_file_id)) == list(range(1, LINES + 1))


async def test_on_blob_storage(world: World, azurite: str) -> None:
    """Whose blobs have rules of their own for the ids of blocks: copy, seals and merge keep them."""
    stores = azure_stores_from_connection_string(azurite, fresh_names())
    world.upstream.script = lambda prompt, _: answer(400, {}) if int(prompt[1:]) % 7 == 0 else answer()
    with use(replace(world.service, stores=stores)) as service:
        there = replace(world, service=service)
        batch = await run_to_end(there, await scattered(there))
        output, errors = await there.lines(batch.output_file_id), await there.lines(batch.error_file_id)
        left = await blobs_of(there, batch)
    await stores.close()

    assert custom_ids(output) == [number for number in range(1, LINES + 1) if number % 7]
    assert custom_ids(errors) == list(range(7, LINES + 1, 7))
    assert sorted(left) == [f"results/{batch.id}/error", f"results/{batch.id}/output"]
