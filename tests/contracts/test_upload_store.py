"""Every sentence of `UploadStore`, against every implementation."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.domain.files.upload import UploadStatus
from shared.ports.base import AlreadyExists, Changed
from tests.contracts.samples import START, a_part, an_id, an_upload

HOUR = timedelta(hours=1)


def with_status(upload, status):
    return msgspec.structs.replace(upload, status=status)


async def expired_ids(uploads, now):
    return sorted([upload.id async for upload in uploads.expired(now)])


async def test_a_record_reads_back_as_it_was(uploads):
    """Every field, microseconds included."""
    upload = an_upload(1, status=UploadStatus.COMPLETING, part_ids=(an_id(5),), file_id=an_id(6), completed_at=START)
    await uploads.insert(upload)
    assert (await uploads.get("project-a", upload.id)).value == upload


async def test_insert_of_a_taken_id_raises(uploads):
    """AlreadyExists, and the first record stays."""
    await uploads.insert(an_upload(1, bytes=1))
    with pytest.raises(AlreadyExists):
        await uploads.insert(an_upload(1, bytes=2))
    assert (await uploads.get("project-a", an_id(1))).value.bytes == 1


@pytest.mark.parametrize(("owner", "number"), [("project-a", 2), ("project-b", 1)])
async def test_get_of_what_is_not_there_is_none(uploads, owner, number):
    """An unknown id, and another owner's."""
    await uploads.insert(an_upload(1))
    assert await uploads.get(owner, an_id(number)) is None


@pytest.mark.parametrize("owner", ["a/b\\c#d?e%f", "Ünïcode Ωwner", "$expiry", "$parts_", "A", an_id(1)])
async def test_any_owner_name_works(uploads, owner):
    """Owners may hold any character, and do not meet the parts."""
    upload = an_upload(1, owner=owner)
    await uploads.insert(upload)
    await uploads.put_part(a_part(2, upload=1))
    assert (await uploads.get(owner, upload.id)).value == upload
    assert await uploads.list_parts(an_id(1)) == [a_part(2, upload=1)]


async def test_replace_writes_the_record(uploads):
    """At the version that was read."""
    upload = an_upload(1)
    await uploads.insert(upload)
    cancelled = with_status(upload, UploadStatus.CANCELLED)
    version = await uploads.replace(cancelled, (await uploads.get("project-a", upload.id)).version)
    stored = await uploads.get("project-a", upload.id)
    assert (stored.value, stored.version) == (cancelled, version)


async def test_replace_at_an_old_version_raises(uploads):
    """Changed, and the record stays."""
    upload = an_upload(1)
    await uploads.insert(upload)
    old = (await uploads.get("project-a", upload.id)).version
    await uploads.replace(with_status(upload, UploadStatus.CHECKING), old)
    with pytest.raises(Changed):
        await uploads.replace(with_status(upload, UploadStatus.CANCELLED), old)
    assert (await uploads.get("project-a", upload.id)).value.status is UploadStatus.CHECKING


async def test_replace_of_a_deleted_record_raises(uploads):
    """Changed: nothing comes back to life."""
    upload = an_upload(1)
    await uploads.insert(upload)
    version = (await uploads.get("project-a", upload.id)).version
    await uploads.delete(upload)
    with pytest.raises(Changed):
        await uploads.replace(upload, version)
    assert await uploads.get("project-a", upload.id) is None


async def test_of_replacements_at_once_one_wins(uploads):
    """Whatever two processes write at one version, there is one success."""
    upload = an_upload(1)
    await uploads.insert(upload)
    version = (await uploads.get("project-a", upload.id)).version
    states = [UploadStatus.CHECKING, UploadStatus.CANCELLED, UploadStatus.EXPIRED]
    outcomes = await asyncio.gather(
        *(uploads.replace(with_status(upload, status), version) for status in states), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(Changed) == 2


async def test_parts_are_listed_in_order_of_id(uploads):
    """Those of one upload, however they came, in parallel."""
    parts = [a_part(number) for number in (3, 1, 2)]
    await asyncio.gather(*(uploads.put_part(part) for part in [*parts, a_part(4, upload=9)]))
    assert await uploads.list_parts(an_id(0)) == [a_part(number) for number in (1, 2, 3)]


async def test_a_part_put_again_replaces_the_first(uploads):
    """One row for one id."""
    await uploads.put_part(a_part(1, bytes=1))
    await uploads.put_part(a_part(1, bytes=2))
    assert await uploads.list_parts(an_id(0)) == [a_part(1, bytes=2)]


async def test_no_parts(uploads):
    """An unknown upload has none."""
    assert await uploads.list_parts(an_id(0)) == []


async def test_a_deleted_part_is_gone(uploads):
    """Its neighbours stay; deleting twice is no error."""
    await uploads.put_part(a_part(1))
    await uploads.put_part(a_part(2))
    for _ in range(2):
        await uploads.delete_part(a_part(1))
    assert await uploads.list_parts(an_id(0)) == [a_part(2)]


async def test_delete_removes_the_record_and_its_parts(uploads):
    """True, then False; another upload's parts stay."""
    await uploads.insert(an_upload(0))
    await uploads.put_part(a_part(1))
    await uploads.put_part(a_part(2, upload=7))
    assert await uploads.delete(an_upload(0)) is True
    assert await uploads.delete(an_upload(0)) is False
    assert await uploads.get("project-a", an_id(0)) is None
    assert await uploads.list_parts(an_id(0)) == []
    assert await uploads.list_parts(an_id(7)) == [a_part(2, upload=7)]


async def test_expired_uploads_of_every_owner(uploads):
    """From the very microsecond of `expires_at` on, and not before."""
    await uploads.insert(an_upload(1))
    await uploads.insert(an_upload(2, owner="project-b", expires_at=START + HOUR + timedelta(microseconds=1)))
    await uploads.insert(an_upload(3, expires_at=START + 2 * HOUR))
    assert await expired_ids(uploads, START + HOUR - timedelta(microseconds=1)) == []
    assert await expired_ids(uploads, START + HOUR) == [an_id(1)]
    assert await expired_ids(uploads, START + HOUR + timedelta(microseconds=1)) == [an_id(1), an_id(2)]


async def test_an_expired_upload_is_found_until_it_is_deleted(uploads):
    """Also after its status has changed."""
    upload = an_upload(1)
    await uploads.insert(upload)
    await uploads.replace(
        with_status(upload, UploadStatus.EXPIRED), (await uploads.get("project-a", upload.id)).version
    )
    assert await expired_ids(uploads, START + HOUR) == [upload.id]
    await uploads.delete(upload)
    assert await expired_ids(uploads, START + HOUR) == []


async def test_deleting_while_looking_for_expired_ones_skips_none(uploads, request):
    """A sweep may delete what it is handed; more than a page of the local store."""
    count = 10 if "azurite" in request.node.callspec.id else 210
    await asyncio.gather(*(uploads.insert(an_upload(number)) for number in range(count)))
    found = []
    async for upload in uploads.expired(START + HOUR):
        found.append(upload.id)
        await uploads.delete(upload)
    assert sorted(found) == [an_id(number) for number in range(count)]
