"""Every sentence of `BatchStore`, against every implementation."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.batches.batch import TERMINAL, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.usage.usage import Usage
from shared.ports import AlreadyExists, Changed
from tests.contracts.samples import START, a_batch, a_heartbeat, a_large_batch, an_id


async def insert(batches, *records):
    for record in records:
        await batches.insert(record)


async def change(batches, batch, **changes):
    """Replace the newest version of the record."""
    stored = await batches.get(batch.owner, batch.id)
    return await batches.replace(msgspec.structs.replace(stored.value, **changes), stored.version)


async def unfinished_ids(batches):
    return sorted([batch.id async for batch in batches.unfinished()])


async def test_a_record_reads_back_as_it_was(batches):
    """Every field, microseconds and foreign letters included."""
    batch = a_batch(1, usage=Usage(input_tokens=5, output_tokens=7), output_expires_after_seconds=3600)
    await batches.insert(batch)
    assert (await batches.get("project-a", batch.id)).value == batch


async def test_a_record_with_many_errors_reads_back(batches):
    """Hundreds of kilobytes of errors fit."""
    batch = a_large_batch()
    await batches.insert(batch)
    assert (await batches.get("project-a", batch.id)).value == batch


async def test_a_record_may_grow_and_shrink(batches):
    """Replacing a large record by a small one leaves nothing of the large one."""
    await batches.insert(a_large_batch())
    await change(batches, a_batch(), errors=())
    assert (await batches.get("project-a", an_id(0))).value.errors == ()


async def test_insert_of_a_taken_id_raises(batches):
    """AlreadyExists, and the first record stays."""
    await batches.insert(a_batch(1, model="first"))
    with pytest.raises(AlreadyExists):
        await batches.insert(a_batch(1, model="second"))
    assert (await batches.get("project-a", an_id(1))).value.model == "first"


async def test_get_of_an_unknown_id_is_none(batches):
    """No record, no error."""
    assert await batches.get("project-a", an_id(1)) is None


async def test_get_does_not_cross_owners(batches):
    """Another owner's id is unknown."""
    await batches.insert(a_batch(1, owner="project-b"))
    assert await batches.get("project-a", an_id(1)) is None


async def test_replace_at_the_version_read_writes(batches):
    """The record is the new one."""
    await batches.insert(a_batch(1))
    await change(batches, a_batch(1), status=Status.IN_PROGRESS)
    assert (await batches.get("project-a", an_id(1))).value.status is Status.IN_PROGRESS


async def test_replace_answers_the_new_version(batches):
    """The version returned is the one that the next read and the next replace know."""
    await batches.insert(a_batch(1))
    version = await change(batches, a_batch(1), total=1)
    assert (await batches.get("project-a", an_id(1))).version == version
    await batches.replace(a_batch(1, total=2), version)


async def test_replace_at_an_old_version_raises(batches):
    """Changed, and the record stays as the other wrote it."""
    await batches.insert(a_batch(1))
    stored = await batches.get("project-a", an_id(1))
    await batches.replace(a_batch(1, total=1), stored.version)
    with pytest.raises(Changed):
        await batches.replace(a_batch(1, total=2), stored.version)
    assert (await batches.get("project-a", an_id(1))).value.total == 1


async def test_replace_of_a_missing_record_raises(batches):
    """Changed: it is not there at that version, nor at any."""
    await batches.insert(a_batch(1))
    stored = await batches.get("project-a", an_id(1))
    with pytest.raises(Changed):
        await batches.replace(a_batch(2), stored.version)


async def test_of_replaces_at_once_one_wins(batches):
    """Compare-and-swap: from one version, one writer goes on."""
    await batches.insert(a_batch(1))
    stored = await batches.get("project-a", an_id(1))
    outcomes = await asyncio.gather(
        *(batches.replace(a_batch(1, total=number), stored.version) for number in range(1, 6)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(Changed) == 4
    assert (await batches.get("project-a", an_id(1))).version in outcomes


async def test_no_update_is_lost_between_writers(batches):
    """Five writers that add one, reading again after Changed, end at five."""
    await batches.insert(a_batch(1))

    async def add_one():
        while True:
            stored = await batches.get("project-a", an_id(1))
            try:
                await batches.replace(
                    msgspec.structs.replace(stored.value, total=stored.value.total + 1), stored.version
                )
            except Changed:
                continue
            return

    await asyncio.gather(*(add_one() for _ in range(5)))
    assert (await batches.get("project-a", an_id(1))).value.total == 5


async def test_list_is_newest_first_and_of_one_owner(batches):
    """Descending id; other owners' batches do not show."""
    await insert(batches, a_batch(2), a_batch(1), a_batch(3), a_batch(4, owner="project-b"))
    assert [batch.id for batch in await batches.list("project-a", limit=10)] == [an_id(3), an_id(2), an_id(1)]


@pytest.mark.parametrize(("after", "expected"), [(None, [0, 1]), (an_id(2), [3, 4]), (an_id(4), [])])
async def test_list_oldest_first(batches, after, expected):
    """In ascending order of id, strictly past `after`, cut at the limit."""
    await insert(batches, *(a_batch(number) for number in range(5)))
    listed = await batches.list("project-a", after=after, limit=2, newest_first=False)
    assert [batch.id for batch in listed] == [an_id(number) for number in expected]


async def test_list_is_cut_at_the_limit(batches):
    """At most `limit`."""
    await insert(batches, *(a_batch(number) for number in range(5)))
    assert [batch.id for batch in await batches.list("project-a", limit=2)] == [an_id(4), an_id(3)]


async def test_list_goes_on_strictly_after(batches):
    """The batch named by `after` is not repeated."""
    await insert(batches, *(a_batch(number) for number in range(5)))
    listed = await batches.list("project-a", after=an_id(3), limit=2)
    assert [batch.id for batch in listed] == [an_id(2), an_id(1)]


async def test_after_is_a_position(batches):
    """An id that never existed works as well."""
    await insert(batches, a_batch(1), a_batch(5))
    assert [batch.id for batch in await batches.list("project-a", after=an_id(3), limit=9)] == [an_id(1)]


async def test_a_new_batch_is_unfinished(batches):
    """From the insert on, for every owner."""
    await insert(batches, a_batch(1), a_batch(2, owner="project-b"))
    assert await unfinished_ids(batches) == [an_id(1), an_id(2)]


@pytest.mark.parametrize("status", Status)
async def test_unfinished_is_what_is_in_no_terminal_state(batches, status):
    """Each state, reached by `replace`."""
    await batches.insert(a_batch(1))
    await change(batches, a_batch(1), status=status)
    assert await unfinished_ids(batches) == ([] if status in TERMINAL else [an_id(1)])


async def test_unfinished_hands_out_the_newest_record(batches):
    """What it yields is the record as last replaced."""
    await batches.insert(a_batch(1))
    await change(batches, a_batch(1), total=9)
    assert [batch.total async for batch in batches.unfinished()] == [9]


async def test_unfinished_batches_may_finish_on_the_way(batches):
    """A sweeper that finishes what it is handed still meets every batch once."""
    await insert(batches, *(a_batch(number) for number in range(6)))
    met = []
    async for batch in batches.unfinished():
        met.append(batch.id)
        await change(batches, batch, status=Status.FAILED)
    assert sorted(met) == [an_id(number) for number in range(6)]
    assert await unfinished_ids(batches) == []


async def test_a_chunk_row_reads_back_as_it_was(batches):
    """Every field."""
    row = ChunkRow(batch_id=an_id(1), index=3, completed=2, failed=1, usage=Usage(input_tokens=4), model="m", seal="ab")
    await batches.put_chunk(row, None)
    assert (await batches.get_chunk(an_id(1), 3)).value == row


async def test_get_of_an_unknown_chunk_is_none(batches):
    """No row, no error."""
    assert await batches.get_chunk(an_id(1), 0) is None


async def test_put_chunk_without_a_version_inserts_once(batches):
    """Changed if the row is there already; it stays."""
    await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0, completed=1), None)
    with pytest.raises(Changed):
        await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0, completed=2), None)
    assert (await batches.get_chunk(an_id(1), 0)).value.completed == 1


async def test_put_chunk_goes_from_version_to_version(batches):
    """Each returned version serves the next write and is what a read answers."""
    version = None
    for completed in range(4):
        version = await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0, completed=completed), version)
    stored = await batches.get_chunk(an_id(1), 0)
    assert (stored.value.completed, stored.version) == (3, version)


async def test_put_chunk_at_an_old_version_raises(batches):
    """Changed, and the row stays as the other wrote it."""
    first = await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0), None)
    await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0, completed=1), first)
    with pytest.raises(Changed):
        await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0, completed=2), first)
    assert (await batches.get_chunk(an_id(1), 0)).value.completed == 1


async def test_put_chunk_at_a_version_of_a_missing_row_raises(batches):
    """Changed: a version of another row is no version of this one."""
    version = await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=0), None)
    with pytest.raises(Changed):
        await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=1), version)


async def test_list_chunks_is_in_order_of_index(batches):
    """Whatever the order of insertion; other batches' rows do not show."""
    for index in (10, 2, 0, 1):
        await batches.put_chunk(ChunkRow(batch_id=an_id(1), index=index), None)
    await batches.put_chunk(ChunkRow(batch_id=an_id(2), index=5), None)
    assert [row.index for row in await batches.list_chunks(an_id(1))] == [0, 1, 2, 10]


async def test_list_chunks_of_an_unknown_batch_is_empty(batches):
    """No rows, no error."""
    assert await batches.list_chunks(an_id(1)) == []


async def test_heartbeats_of_a_deployment(batches):
    """Every lane of every batch under it, and of no other deployment."""
    mine = [a_heartbeat(0), a_heartbeat(1), a_heartbeat(0, batch=1)]
    for heartbeat in [*mine, a_heartbeat(0, deployment="gpt-4o")]:
        await batches.beat(heartbeat)
    assert sorted(await batches.heartbeats("gpt-4o-mini"), key=lambda h: (h.batch_id, h.lane)) == mine


async def test_a_lane_has_one_heartbeat(batches):
    """The next beat replaces the one before."""
    for seconds in (0, 3, 6):
        await batches.beat(a_heartbeat(seconds=seconds))
    assert [heartbeat.at for heartbeat in await batches.heartbeats("gpt-4o-mini")] == [START + timedelta(seconds=6)]


async def test_heartbeats_of_one_batch(batches):
    """Its lanes under the deployment, and no neighbour's."""
    mine = [a_heartbeat(lane, batch=1) for lane in (0, 1, 12)]
    for heartbeat in [*mine, a_heartbeat(0, batch=0), a_heartbeat(0, batch=2), a_heartbeat(0, deployment="x", batch=1)]:
        await batches.beat(heartbeat)
    found = await batches.heartbeats("gpt-4o-mini", an_id(1))
    assert sorted(found, key=lambda h: h.lane) == mine


async def test_one_of_many_claims_a_free_lane(batches):
    """Inserting the heartbeat is up to the first."""
    claims = [batches.claim_lane(a_heartbeat(seconds=seconds), None) for seconds in range(10)]
    lost = [error for error in await asyncio.gather(*claims, return_exceptions=True) if error]
    assert [type(error) for error in lost] == [Changed] * 9
    assert len(await batches.heartbeats("gpt-4o-mini")) == 1


async def test_one_of_many_takes_a_lane_over(batches):
    """Replacing a heartbeat works at the version that was read, once."""
    await batches.beat(a_heartbeat())
    stored = await batches.get_heartbeat("gpt-4o-mini", an_id(0), 0)
    assert stored.value == a_heartbeat()
    claims = [batches.claim_lane(a_heartbeat(seconds=seconds), stored.version) for seconds in range(1, 11)]
    lost = [error for error in await asyncio.gather(*claims, return_exceptions=True) if error]
    assert [type(error) for error in lost] == [Changed] * 9


async def test_a_lane_that_beat_meanwhile_is_not_taken_over(batches):
    """Each beat is another version."""
    await batches.beat(a_heartbeat())
    stored = await batches.get_heartbeat("gpt-4o-mini", an_id(0), 0)
    await batches.beat(a_heartbeat(seconds=3))
    with pytest.raises(Changed):
        await batches.claim_lane(a_heartbeat(seconds=4), stored.version)


async def test_a_lane_that_stopped_is_not_taken_over_at_an_old_version(batches):
    """There is nothing to replace."""
    await batches.beat(a_heartbeat())
    stored = await batches.get_heartbeat("gpt-4o-mini", an_id(0), 0)
    await batches.stop_beating(a_heartbeat())
    assert await batches.get_heartbeat("gpt-4o-mini", an_id(0), 0) is None
    with pytest.raises(Changed):
        await batches.claim_lane(a_heartbeat(seconds=4), stored.version)


async def test_stop_beating_removes_the_lane(batches):
    """That lane's, whenever it beat last, and no other's."""
    await batches.beat(a_heartbeat(0, seconds=0))
    await batches.beat(a_heartbeat(1, seconds=0))
    await batches.stop_beating(a_heartbeat(0, seconds=9))
    assert await batches.heartbeats("gpt-4o-mini") == [a_heartbeat(1)]


async def test_stop_beating_twice_is_no_error(batches):
    """Nothing happens if there is none."""
    await batches.stop_beating(a_heartbeat())
    await batches.stop_beating(a_heartbeat())


@pytest.mark.parametrize("deployment", ["org/model:v1#2?x", "mistral\\7b", "Ünïcode", "100%", "it's"])
async def test_any_deployment_name_works(batches, deployment):
    """Deployment names may hold any character."""
    await batches.beat(a_heartbeat(deployment=deployment))
    assert await batches.heartbeats(deployment) == [a_heartbeat(deployment=deployment)]


async def test_heartbeats_of_an_unknown_deployment_are_none(batches):
    """No rows, no error."""
    assert await batches.heartbeats("unknown") == []
