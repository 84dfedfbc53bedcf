"""Which lane works on which chunk, when the number of lanes has changed between two runs of a batch."""

from __future__ import annotations

import asyncio

import pytest

from activities.work_lane import work_lane
from shared.domain.batches.batch import Status
from shared.domain.batches.chunk import ChunkRow
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World
from tests.run.test_lane import cursor


@pytest.mark.parametrize("lanes", [1, 2, 3])
async def test_no_chunk_is_orphaned_by_fewer_lanes(world: World, lanes: int) -> None:
    """Chunks that lanes of an earlier run had claimed are finished by those there are now, each line sent once."""
    batch = await world.batch(40)
    for index in range(4):
        await world.service.stores.chunks.put(ChunkRow(batch_id=batch.id, index=index, lane=index), None)
    await asyncio.gather(*(work_lane(cursor(batch, lane, lanes)) for lane in range(lanes)))
    await finish_batch(cursor(batch))
    batch = await world.read(batch)

    assert (Status.COMPLETED, 40) == (batch.status, batch.completed)
    assert {1} == set(world.upstream.asked.values())
