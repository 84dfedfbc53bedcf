"""Every sentence of `ChunkStore`, against every implementation."""

import asyncio

import pytest

from shared.domain.batches.chunk import ChunkRow
from shared.domain.usage.usage import Usage
from shared.ports.base import Changed
from tests.contracts.samples import START, an_id


async def test_a_chunk_row_reads_back_as_it_was(chunks):
    """Every field."""
    row = ChunkRow(
        batch_id=an_id(1),
        index=3,
        completed=2,
        failed=1,
        usage=Usage(input_tokens=4),
        model="m",
        seal="ab",
        sealed_at=START,
    )
    await chunks.put(row, None)
    assert (await chunks.get(an_id(1), 3)).value == row


async def test_get_of_an_unknown_chunk_is_none(chunks):
    """No row, no error."""
    assert await chunks.get(an_id(1), 0) is None


async def test_put_without_a_version_inserts_once(chunks):
    """Changed if the row is there already; it stays."""
    await chunks.put(ChunkRow(batch_id=an_id(1), index=0, completed=1), None)
    with pytest.raises(Changed):
        await chunks.put(ChunkRow(batch_id=an_id(1), index=0, completed=2), None)
    assert (await chunks.get(an_id(1), 0)).value.completed == 1


async def test_put_goes_from_version_to_version(chunks):
    """Each returned version serves the next write and is what a read answers."""
    version = None
    for completed in range(4):
        version = await chunks.put(ChunkRow(batch_id=an_id(1), index=0, completed=completed), version)
    stored = await chunks.get(an_id(1), 0)
    assert (stored.value.completed, stored.version) == (3, version)


async def test_put_at_an_old_version_raises(chunks):
    """Changed, and the row stays as the other wrote it."""
    first = await chunks.put(ChunkRow(batch_id=an_id(1), index=0), None)
    await chunks.put(ChunkRow(batch_id=an_id(1), index=0, completed=1), first)
    with pytest.raises(Changed):
        await chunks.put(ChunkRow(batch_id=an_id(1), index=0, completed=2), first)
    assert (await chunks.get(an_id(1), 0)).value.completed == 1


async def test_put_at_a_version_of_a_missing_row_raises(chunks):
    """Changed: a version of another row is no version of this one."""
    version = await chunks.put(ChunkRow(batch_id=an_id(1), index=0), None)
    with pytest.raises(Changed):
        await chunks.put(ChunkRow(batch_id=an_id(1), index=1), version)


async def test_list_is_in_order_of_index(chunks):
    """Whatever the order of insertion; other batches' rows do not show."""
    for index in (10, 2, 0, 1):
        await chunks.put(ChunkRow(batch_id=an_id(1), index=index), None)
    await chunks.put(ChunkRow(batch_id=an_id(2), index=5), None)
    assert [row.index for row in await chunks.list(an_id(1))] == [0, 1, 2, 10]


async def test_list_of_an_unknown_batch_is_empty(chunks):
    """No rows, no error."""
    assert await chunks.list(an_id(1)) == []


async def test_all_rows_of_a_batch_are_deleted(chunks):
    """More than a transaction or a page of the store takes; those of its neighbours stay. Again is no error."""
    for batch, count in ((1, 1), (2, 205), (3, 1)):
        await asyncio.gather(
            *(chunks.put(ChunkRow(batch_id=an_id(batch), index=index), None) for index in range(count))
        )
    await chunks.delete_all(an_id(2))
    await chunks.delete_all(an_id(2))
    assert [len(await chunks.list(an_id(batch))) for batch in (1, 2, 3)] == [1, 0, 1]


async def test_rows_may_be_deleted_by_two_at_once(chunks):
    """Neither of them fails."""
    for index in range(30):
        await chunks.put(ChunkRow(batch_id=an_id(1), index=index), None)
    await asyncio.gather(*(chunks.delete_all(an_id(1)) for _ in range(4)))
    assert await chunks.list(an_id(1)) == []
