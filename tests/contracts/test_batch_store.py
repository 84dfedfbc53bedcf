"""Every sentence of `BatchStore`, against every implementation."""

import asyncio

import msgspec
import pytest

from shared.domain.batches.batch import TERMINAL, Status
from shared.domain.usage.usage import Usage
from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import a_batch, a_large_batch, an_id


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


async def test_batches_that_owe_usage(batches):
    """Of any owner, in a terminal state, until they have paid; none of them is unfinished."""
    ended = {"status": Status.COMPLETED, "usage_owed": True}
    for number, changes in (
        (1, {}),
        (2, ended),
        (3, ended | {"owner": "project-b"}),
        (4, ended | {"usage_owed": False}),
    ):
        await batches.insert(a_batch(number, **changes))
    running = await batches.get("project-a", an_id(1))
    await batches.replace(msgspec.structs.replace(running.value, **ended), running.version)
    assert {batch.id async for batch in batches.owing()} == {an_id(1), an_id(2), an_id(3)}
    assert [batch async for batch in batches.unfinished()] == []
    for number in (1, 2):
        stored = await batches.get("project-a", an_id(number))
        await batches.replace(msgspec.structs.replace(stored.value, usage_owed=False), stored.version)
    assert [batch.id async for batch in batches.owing()] == [an_id(3)]


async def test_a_deleted_record_is_gone(batches):
    """From every read, and again is no error; its neighbours and another owner's stay."""
    await insert(batches, a_batch(1), a_batch(2, status=Status.COMPLETED), a_batch(3), a_batch(2, owner="project-b"))
    await batches.delete("project-a", an_id(2))
    await batches.delete("project-a", an_id(2))

    assert await batches.get("project-a", an_id(2)) is None
    assert [batch.id for batch in await batches.list("project-a", limit=9)] == [an_id(3), an_id(1)]
    assert await batches.get("project-b", an_id(2)) is not None


async def test_many_records_go_together(batches):
    """More than a call takes, one of them gone already; none given is no error."""
    many = [a_batch(number, status=Status.COMPLETED) for number in range(103)]
    await insert(batches, *many, a_batch(200, status=Status.COMPLETED))
    await batches.delete("project-a", an_id(50))
    await batches.delete("project-a", *(batch.id for batch in many))
    await batches.delete("project-a")

    assert [batch.id for batch in await batches.list("project-a", limit=9)] == [an_id(200)]
