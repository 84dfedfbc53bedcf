"""Every sentence of `FileStore`, against every implementation."""

import asyncio
from datetime import timedelta

import pytest

from shared.ports.base import AlreadyExists
from tests.contracts.samples import START, a_file, an_id


async def insert(files, *records):
    for record in records:
        await files.insert(record)


async def expired_ids(files, now):
    return sorted([file.id async for file in files.expired(now)])


def expiring(number, *, seconds, owner="project-a"):
    return a_file(number, owner=owner, expires_at=START + timedelta(seconds=seconds))


async def test_a_record_reads_back_as_it_was(files):
    """Every field, microseconds included."""
    file = expiring(1, seconds=1.000001)
    await files.insert(file)
    assert await files.get("project-a", file.id) == file


async def test_insert_of_a_taken_id_raises(files):
    """AlreadyExists, and the first record stays."""
    await files.insert(a_file(1, filename="first"))
    with pytest.raises(AlreadyExists):
        await files.insert(a_file(1, filename="second"))
    assert (await files.get("project-a", an_id(1))).filename == "first"


async def test_of_inserts_at_once_one_wins(files):
    """Whatever two processes insert under one id, there is one record and one success."""
    outcomes = await asyncio.gather(*(files.insert(a_file(1)) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(AlreadyExists) == 4
    assert len(await files.list("project-a", limit=10)) == 1


async def test_get_of_an_unknown_id_is_none(files):
    """No record, no error."""
    assert await files.get("project-a", an_id(1)) is None


async def test_get_does_not_cross_owners(files):
    """Another owner's id is unknown."""
    await files.insert(a_file(1, owner="project-b"))
    assert await files.get("project-a", an_id(1)) is None


async def test_list_does_not_cross_owners(files):
    """Nor does a list, whatever the owners are called."""
    await insert(files, a_file(1, owner="project-a"), a_file(2, owner="project"), a_file(3, owner="project-a2"))
    assert [file.id for file in await files.list("project-a", limit=10)] == [an_id(1)]


@pytest.mark.parametrize("owner", ["a/b\\c#d?e%f", "Ünïcode Ωwner", "a'b''c", "$expiry", "tab\there", "A", "=41"])
async def test_any_owner_name_works(files, owner):
    """Owners may hold any character."""
    file = a_file(1, owner=owner)
    await insert(files, file, a_file(2, owner="other"))
    assert await files.list(owner, limit=10) == [file]


async def test_owners_that_differ_in_case_are_two(files):
    """`A` and `a` do not share files."""
    await files.insert(a_file(1, owner="A"))
    assert await files.list("a", limit=10) == []


async def test_list_is_newest_first(files):
    """Descending id, whatever the order of insertion."""
    await insert(files, a_file(2), a_file(1), a_file(3))
    assert [file.id for file in await files.list("project-a", limit=10)] == [an_id(3), an_id(2), an_id(1)]


async def test_list_oldest_first(files):
    """Ascending id on demand."""
    await insert(files, a_file(2), a_file(1), a_file(3))
    listed = await files.list("project-a", limit=10, newest_first=False)
    assert [file.id for file in listed] == [an_id(1), an_id(2), an_id(3)]


@pytest.mark.parametrize(("newest_first", "expected"), [(True, [5, 4]), (False, [0, 1])])
async def test_list_is_cut_at_the_limit(files, newest_first, expected):
    """At most `limit`, from the end the list begins at."""
    await insert(files, *(a_file(number) for number in range(6)))
    listed = await files.list("project-a", limit=2, newest_first=newest_first)
    assert [file.id for file in listed] == [an_id(number) for number in expected]


@pytest.mark.parametrize(("newest_first", "expected"), [(True, [2, 1]), (False, [4, 5])])
async def test_list_goes_on_strictly_after(files, newest_first, expected):
    """The file named by `after` is not repeated."""
    await insert(files, *(a_file(number) for number in range(6)))
    listed = await files.list("project-a", after=an_id(3), limit=2, newest_first=newest_first)
    assert [file.id for file in listed] == [an_id(number) for number in expected]


@pytest.mark.parametrize(("newest_first", "expected"), [(True, [2, 1, 0]), (False, [4, 5])])
async def test_after_is_a_position(files, newest_first, expected):
    """It works when that file is gone."""
    await insert(files, *(a_file(number) for number in range(6)))
    await files.delete("project-a", an_id(3))
    listed = await files.list("project-a", after=an_id(3), limit=9, newest_first=newest_first)
    assert [file.id for file in listed] == [an_id(number) for number in expected]


async def test_list_past_the_end_is_empty(files):
    """Nothing is older than the oldest."""
    await files.insert(a_file(1))
    assert await files.list("project-a", after=an_id(1), limit=5) == []


@pytest.mark.parametrize("newest_first", [True, False])
async def test_list_of_one_purpose(files, newest_first):
    """The limit counts files of the purpose only."""
    await insert(files, *(a_file(number, purpose=("batch", "batch_output")[number % 2]) for number in range(8)))
    listed = await files.list("project-a", purpose="batch_output", limit=3, newest_first=newest_first)
    expected = [7, 5, 3] if newest_first else [1, 3, 5]
    assert [file.id for file in listed] == [an_id(number) for number in expected]


async def test_a_purpose_with_quotes_matches_nothing(files):
    """A purpose is a value, never a piece of a query."""
    await files.insert(a_file(1))
    assert await files.list("project-a", purpose="x' or '1' eq '1", limit=5) == []


async def test_deleting_removes_the_record(files):
    """True, and gone from look-ups and lists."""
    await files.insert(a_file(1))
    assert await files.delete("project-a", an_id(1)) is True
    assert await files.get("project-a", an_id(1)) is None


async def test_deleting_twice_answers_false(files):
    """The second time there is none."""
    await files.insert(a_file(1))
    await files.delete("project-a", an_id(1))
    assert await files.delete("project-a", an_id(1)) is False


async def test_delete_does_not_cross_owners(files):
    """Another owner's file stays."""
    await files.insert(a_file(1, owner="project-b"))
    assert await files.delete("project-a", an_id(1)) is False
    assert await files.get("project-b", an_id(1)) is not None


async def test_expired_files_of_every_owner_are_found(files):
    """Those whose `expires_at` has passed, and no others."""
    await insert(
        files,
        expiring(1, seconds=10),
        expiring(2, seconds=20, owner="project-b"),
        expiring(3, seconds=30),
        a_file(4),
    )
    assert await expired_ids(files, START + timedelta(seconds=25)) == [an_id(1), an_id(2)]


async def test_a_file_expires_at_the_moment_of_its_expiry(files):
    """Not a microsecond earlier."""
    await files.insert(expiring(1, seconds=10))
    assert await expired_ids(files, START + timedelta(seconds=10, microseconds=-1)) == []
    assert await expired_ids(files, START + timedelta(seconds=10)) == [an_id(1)]


async def test_a_deleted_file_does_not_expire(files):
    """What is gone is not found again."""
    await files.insert(expiring(1, seconds=10))
    await files.delete("project-a", an_id(1))
    assert await expired_ids(files, START + timedelta(days=1)) == []


async def test_expired_files_may_be_deleted_on_the_way(files):
    """A sweeper deletes what it is handed and still meets every file once."""
    await insert(files, *(expiring(number, seconds=number % 3) for number in range(10)))
    met = []
    async for file in files.expired(START + timedelta(seconds=60)):
        met.append(file.id)
        await files.delete(file.owner, file.id)
    assert sorted(met) == [an_id(number) for number in range(10)]


async def test_every_file_of_every_owner(files):
    """Expiring or not, more than a page of them, each once."""
    records = [
        a_file(number, owner=owner, expires_at=START if number % 2 else None)
        for owner in ("project-a", "$expiry", "b")
        for number in range(80)
    ]
    await insert(files, *records)
    found = [file async for file in files.every()]
    assert sorted(found, key=repr) == sorted(records, key=repr)
