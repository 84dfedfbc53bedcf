"""Results read in input order: of a batch that runs, from its journals; of one that has ended, from its two files."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from activities.work_lane import work_lane
from shared.domain.batches.batch import Batch
from shared.domain.lines.request_line import custom_id_of
from shared.domain.vendors.vendor import Vendor
from shared.ports.base import BlobMissing
from shared.run.chunks.finished_lines import ended_lines, numbered_lines, running_lines
from shared.run.chunks.plan import read_all
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer
from tests.run.test_lane import cursor


def refusing_thirds(prompt: str, _: int) -> Any:
    return answer(400, {"error": {"code": "no"}}) if int(prompt[1:]) % 3 == 0 else answer()


async def running(world: World, batch: Batch, after: int = 0, *, in_order: bool = True) -> list[int]:
    """Their line numbers; each has the custom_id of its line."""
    found = [each async for each in running_lines(world.service, batch, after, in_order=in_order)]
    assert [custom_id_of(each.data) for each in found] == [f"c{each.line}" for each in found]
    return [each.line for each in found]


async def ended(world: World, batch: Batch, after: int = 0) -> list[tuple[int, str, bool]]:
    return [
        (each.line, custom_id_of(each.data), each.completed) async for each in ended_lines(world.service, batch, after)
    ]


async def test_all_sealed_chunks_of_a_running_batch_are_there(world: World) -> None:
    """Their blocks are staged, which nobody can read: the journals have all of it, also what was sealed at once."""
    batch = await world.batch(25)
    await work_lane(cursor(batch))
    rows = await world.service.stores.chunks.list(batch.id)

    assert [row.sealed for row in rows] == [True] * 3
    assert await running(world, batch) == list(range(1, 26))
    assert await running(world, batch, after=19) == list(range(20, 26))


async def test_a_line_that_has_not_finished_ends_what_is_in_order(world: World) -> None:
    """What has finished past it is there for whoever does not ask for order."""
    release = asyncio.Event()
    world.upstream.script = lambda prompt, _: release if prompt == "p14" else answer()
    batch = await world.batch(25)
    work = asyncio.create_task(work_lane(cursor(batch)))
    everything = [*range(1, 14), *range(15, 26)]
    async with asyncio.timeout(60):
        while await running(world, batch, in_order=False) != everything:
            await asyncio.sleep(0.01)

    assert await running(world, batch) == list(range(1, 14))
    assert await running(world, batch, after=14) == []
    release.set()
    await work


async def test_nothing_is_there_before_the_plan(world: World) -> None:
    """Nor is anything kept of what was read."""
    batch = await world.batch(5)
    left = world.service.capacity.reading.left

    assert await running(world, batch) == []
    await work_lane(cursor(batch))
    assert await running(world, batch) == [1, 2, 3, 4, 5]
    assert world.service.capacity.reading.left == left


@pytest.mark.parametrize("vendor", list(Vendor))
async def test_an_ended_batch_is_merged_by_its_input(world: World, vendor: Vendor) -> None:
    """Both files, each line under its number."""
    world.upstream.script = refusing_thirds
    batch = await world.batch(25, vendor=vendor)
    await work_lane(cursor(batch))
    given = await read_all(world.service.stores.blobs, "files/in")
    await finish_batch(cursor(batch))
    await world.service.stores.blobs.put("files/in", given)  # No record has it, so the end of the batch removes it.
    batch = await world.read(batch)
    expected = [(number, f"c{number}", number % 3 != 0) for number in range(1, 26)]

    assert await ended(world, batch) == expected
    assert await ended(world, batch, after=20) == expected[20:]


async def test_an_ended_batch_without_its_input_cannot_be_merged(world: World) -> None:
    """The caller is told, by whoever catches it."""
    batch = await world.batch(5)
    await work_lane(cursor(batch))
    await finish_batch(cursor(batch))
    with pytest.raises(BlobMissing):
        await ended(world, await world.read(batch))


async def test_lines_are_numbered_as_lanes_number_them(world: World) -> None:
    """Blank ones count and are left out; the last one needs no line feed."""
    await world.service.stores.blobs.put("files/x", b"\n  \r\na\r\n\nbb\n\t\nc")

    found = [each async for each in numbered_lines(world.service.stores.blobs, "files/x")]
    assert found == [(3, b"a\r"), (5, b"bb"), (7, b"c")]
