"""What ended long ago goes, a bounded part at a time; sums of usage stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.files.file import File
from shared.domain.ids import new_id
from shared.domain.usage.ledger import Width, start_of
from shared.run.in_pages import in_pages
from shared.services import Services
from tests.contracts.samples import START, a_batch, a_file, a_ledger_row, a_project, a_tally
from tests.timers.conftest import World
from timers.expire_files import expire_files
from timers.forget_batches import forget_batches
from timers.forget_usage import forget_usage
from timers.roll_up_usage import roll_up_usage

DAYS = 30
LATER = START + timedelta(days=400)
HOUR = timedelta(hours=1)


def kept(world: World, **days: int) -> Services:
    return replace(world.services, settings=replace(world.services.settings, **days))


async def insert(world: World, number: int, *, days: float, owner: str = "default", **changes: Any) -> Batch:
    """A batch that was made so many days before `LATER`, with a chunk row."""
    at = LATER - timedelta(days=days)
    values: dict[str, Any] = {"status": Status.COMPLETED, **changes}
    batch = a_batch(number, owner=owner, id=new_id(at, bytes([number]) * 10), created_at=at, **values)
    await world.services.stores.batches.insert(batch)
    await world.services.stores.chunks.put(ChunkRow(batch_id=batch.id, index=0), None)
    return batch


async def are_left(world: World, *batches: Batch) -> list[bool]:
    """Whether each is there, and its chunk rows are exactly if it is."""
    stores, found = world.services.stores, []
    for batch in batches:
        is_there = await stores.batches.get(batch.owner, batch.id) is not None
        assert bool(await stores.chunks.list(batch.id)) is is_there
        found.append(is_there)
    return found


async def test_old_batches_are_forgotten(world: World) -> None:
    """Of every project, archived ones included; the younger ones stay."""
    archived = a_project(7, archived_at=START)
    await world.services.stores.projects.insert(archived)
    old = await insert(world, 1, days=DAYS + 0.01)
    of_archived = await insert(world, 2, days=DAYS * 9, owner=archived.id)
    young = await insert(world, 3, days=DAYS - 0.01)
    world.clock.at = LATER
    await forget_batches(kept(world, record_days=DAYS))

    assert await are_left(world, old, of_archived, young) == [False, False, True]


@pytest.mark.parametrize("state", [{"status": Status.IN_PROGRESS}, {"usage_owed": True}])
async def test_what_is_not_over_stays(world: World, state: dict[str, Any]) -> None:
    """However old; what is over beside it goes."""
    unfinished = await insert(world, 1, days=90, **state)
    over = await insert(world, 2, days=91)
    world.clock.at = LATER
    await forget_batches(kept(world, record_days=DAYS))

    assert await are_left(world, unfinished, over) == [True, False]


async def test_a_pass_is_bounded(world: World) -> None:
    """The next one goes on."""
    batches = [await insert(world, number, days=40 + number) for number in range(5)]
    service = kept(world, record_days=DAYS)
    world.clock.at = LATER
    await forget_batches(service, most=3)
    assert sum(await are_left(world, *batches)) == 2
    await forget_batches(service, most=3)
    assert sum(await are_left(world, *batches)) == 0


async def insert_file(world: World, number: int, *, age: timedelta) -> File:
    """A file of 5 bytes whose time was over so long before `LATER`."""
    file = a_file(number, owner="default", blob=f"files/{number}", bytes=5, expires_at=LATER - age)
    await world.services.stores.blobs.append(file.blob, b"bytes")
    await world.services.stores.files.insert(file)
    return file


async def files_left(world: World, *files: File) -> list[bool]:
    """Whether each has its record; its bytes are there exactly then."""
    stores, found = world.services.stores, []
    names = [name async for name in stores.blobs.names("files/")]
    for file in files:
        is_there = await stores.files.get(file.owner, file.id) is not None
        assert (file.blob in names) is is_there
        found.append(is_there)
    return found


async def test_a_pass_over_files_is_bounded(world: World) -> None:
    """The oldest go first, the next pass goes on; one of the last minute may just have been given to a batch."""
    world.clock.at = LATER
    just = await insert_file(world, 1, age=timedelta(seconds=59))
    files = [await insert_file(world, number, age=number * HOUR) for number in range(2, 7)]
    await expire_files(world.services, most=3)
    assert await files_left(world, just, *files) == [True, True, True, False, False, False]
    await expire_files(world.services)
    assert await files_left(world, just, *files) == [True] + [False] * 5


async def test_bytes_that_a_batch_reads_outlive_their_record(world: World) -> None:
    """Those of files beside it do not."""
    world.clock.at = LATER
    read, other = await insert_file(world, 1, age=HOUR), await insert_file(world, 2, age=HOUR)
    await insert(world, 1, days=1, status=Status.IN_PROGRESS, input_blob=read.blob)
    await expire_files(world.services)

    assert [await world.services.stores.files.get("default", file.id) for file in (read, other)] == [None, None]
    assert [name async for name in world.services.stores.blobs.names("files/")] == [read.blob]


async def test_a_page_that_fails_does_not_stop_the_next() -> None:
    """What failed is raised when all are through."""
    done = list[int]()

    async def numbers() -> AsyncIterator[int]:
        for number in range(250):
            yield number

    async def work(page: list[int]) -> None:
        if 0 in page:
            raise ValueError("the first page")
        done.extend(page)

    with pytest.raises(ExceptionGroup, match="1 pages failed") as caught:
        await in_pages(numbers(), work, most=201)
    assert [str(error) for error in caught.value.exceptions] == ["the first page"]
    assert done == list(range(100, 201))


async def test_zero_days_are_for_ever(world: World) -> None:
    """Of both settings."""
    batch = await insert(world, 1, days=399)
    await world.services.stores.usage.write([a_ledger_row(1)])
    world.clock.at = LATER
    service = kept(world, record_days=0, usage_row_days=0)
    await roll_up_usage(service)
    await forget_batches(service)
    await forget_usage(service)

    assert await are_left(world, batch) == [True]
    assert len(await rows(world)) == 1


async def rows(world: World, hours: int = 0) -> list[Any]:
    usage = world.services.stores.usage
    return [row async for row in usage.rows(start_of(START, Width.HOUR) + hours * HOUR)]


async def tokens(world: World, width: Width) -> int:
    first = start_of(START, width)
    rollups = [rollup async for rollup in world.services.stores.usage.rollups(width, first, first + width.length)]
    return sum(tally.amounts.usage.input_tokens for rollup in rollups for tally in rollup.tallies)


async def test_sums_outlive_their_rows(world: World) -> None:
    """Also when a row of that time is written once more, which makes its hour due."""
    service, again = kept(world, usage_row_days=DAYS), a_ledger_row(1, tally=a_tally(10))
    await world.services.stores.usage.write([again, a_ledger_row(2, tally=a_tally(7))])
    world.clock.at = LATER
    await roll_up_usage(service)
    await forget_usage(service)
    assert await rows(world) == []

    await world.services.stores.usage.write([again])
    await roll_up_usage(service)

    assert await tokens(world, Width.HOUR) == 17
    assert await tokens(world, Width.DAY) == 17
    assert await world.services.stores.usage.due() == []


async def test_rows_that_are_not_summed_yet_stay(world: World) -> None:
    """The service stood still for longer than rows are kept: what came before is in sums, the rest first has to be."""
    service = kept(world, usage_row_days=DAYS)
    world.clock.at = START + 2 * HOUR
    await world.services.stores.usage.write([a_ledger_row(1)])
    await roll_up_usage(service)
    await world.services.stores.usage.write([a_ledger_row(2, sealed_at=START + HOUR)])
    world.clock.at = LATER
    await forget_usage(service)
    assert [len(await rows(world)), len(await rows(world, 1))] == [0, 1]

    await roll_up_usage(service)
    await forget_usage(service)

    assert [len(await rows(world)), len(await rows(world, 1))] == [0, 0]
    assert await tokens(world, Width.DAY) == 20
