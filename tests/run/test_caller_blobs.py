"""A batch on a caller's own storage, when that storage misbehaves: what fails, what is kept, what is left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from activities.validate_input import validate_input
from activities.work_lane import work_lane
from shared.domain.batches.batch import Batch, CancelRequested, Status
from shared.domain.batches.chunk import INPUTS_PREFIX, input_copy
from shared.domain.errors import Unavailable
from shared.domain.files.blob_address import result_address
from shared.domain.vendors.vendor import Vendor
from shared.ports.base import AccessDenied, BlobMissing
from shared.run.batches.change import change
from shared.run.batches.remains import sweep_remains
from shared.run.chunks.plan import read_all
from shared.run.input.input_pass import scan_input
from shared.services import use
from tests.fake_caller_blobs import FOLDER, HOST, URL, FakeCallerBlobs
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, request_line
from tests.with_stores import with_stores

DATA = b"".join(request_line(number) for number in range(1, 11))
OTHER = b"".join(request_line(number) for number in range(21, 30))


class Killed(BaseException):
    """What an activity does not survive."""


class Account:
    """The world with one account of callers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.blobs = FakeCallerBlobs()
        self.blobs.data[URL] = DATA
        settings = replace(world.service.settings, blob_hosts=HOST, chunk_lines=3)
        self.service = replace(with_stores(world.service, caller_blobs=self.blobs), settings=settings)

    async def batch(self, **changes: object) -> Batch:
        values = {"input_file_id": "", "input_url": URL, "output_folder": FOLDER, "vendor": Vendor.AZURE}
        values |= {"status": Status.VALIDATING, "in_progress_at": None, "deployment": None, "total": 0, "chunks": 0}
        batch = await self.world.batch(1, **values | {"input_blob": ""})
        stored = await self.service.stores.batches.get(batch.owner, batch.id)
        assert stored
        batch = msgspec.structs.replace(batch, **changes)
        await self.service.stores.batches.replace(batch, stored.version)
        return batch

    async def run(self, batch: Batch) -> Batch:
        """All activities in order, in one lane."""
        name = {"owner": batch.owner, "batch_id": batch.id}
        with use(self.service):
            if (await validate_input(name))["outcome"] == "accepted":
                while not (await work_lane({**name, "lane": 0, "lanes": 1}))["done"]:
                    pass
            await finish_batch(name)
        return await self.world.read(batch)

    async def validate(self, batch: Batch) -> Batch:
        with use(self.service):
            await validate_input({"owner": batch.owner, "batch_id": batch.id})
        return await self.world.read(batch)

    async def finish(self, batch: Batch) -> Batch:
        with use(self.service):
            await finish_batch({"owner": batch.owner, "batch_id": batch.id})
        return await self.world.read(batch)

    async def names(self) -> list[str]:
        """What is left in the service's own storage, but for the uploads of other tests' fixtures."""
        prefixes = ("inputs/", "plans/", "journals/", "results/")
        return [name for prefix in prefixes async for name in self.service.stores.blobs.names(prefix)]

    def result(self, batch: Batch, kind: str) -> bytes:
        return self.blobs.data[result_address(FOLDER, batch.id, kind)]


@pytest.fixture
def account(world: World) -> Account:
    return Account(world)


async def test_results_are_in_the_folder_and_nowhere_else(account: Account) -> None:
    """Both blobs; no files, no copy, no leftovers."""
    batch = await account.run(await account.batch())
    assert (batch.status, batch.completed, batch.errors) == (Status.COMPLETED, 10, ())
    assert (batch.output_file_id, batch.error_file_id) == (None, None)
    assert (account.result(batch, "output").count(b"\n"), account.result(batch, "error")) == (10, b"")
    assert await account.names() == []


async def test_one_without_the_other(account: Account) -> None:
    """A blob as input with files as results, and a file as input with a folder."""
    batch = await account.run(await account.batch(output_folder=None))
    assert len(await account.world.lines(batch.output_file_id)) == 10
    batch = await account.run(await account.world.batch(10, output_folder=FOLDER, vendor=Vendor.AZURE))
    assert account.result(batch, "output").count(b"\n") == 10


@pytest.mark.parametrize(
    ("trouble", "code"),
    [(BlobMissing(URL), "input_no_permissions"), (AccessDenied(URL), "input_no_permissions")],
)
@pytest.mark.parametrize("deed", ["look", "read"])
async def test_an_unreadable_blob_fails_the_batch(account: Account, trouble: Exception, code: str, deed: str) -> None:
    """Contract 3.4; also if the permission goes away half way."""

    def refuse(done: str) -> None:
        if done == deed and account.blobs.deeds.count(deed) == 1 + (deed == "read"):
            raise trouble

    account.blobs.before = refuse
    batch = await account.run(await account.batch())
    assert (batch.status, [error.code for error in batch.errors]) == (Status.FAILED, [code])
    assert await account.names() == []


async def test_a_blob_that_changes_while_it_is_read_fails_the_batch(account: Account) -> None:
    """Contract 3.4: `input_modified`; never a mix of two versions."""

    def meddle(done: str) -> None:
        if account.blobs.deeds.count("read") == 3:
            account.blobs.data[URL] = OTHER

    account.blobs.before = meddle
    batch = await account.run(await account.batch())
    assert (batch.status, [error.code for error in batch.errors]) == (Status.FAILED, ["input_modified"])
    assert await account.names() == []


async def test_storage_that_is_down_fails_nothing(account: Account) -> None:
    """The activity raises and is called again."""

    def down(done: str) -> None:
        if done == "read" and account.blobs.deeds.count("read") == 3:
            raise Unavailable("The account does not answer.")

    account.blobs.before = down
    batch = await account.batch()
    with pytest.raises(Unavailable):
        await account.validate(batch)
    assert (await account.run(batch)).status is Status.COMPLETED


async def test_a_repeated_pass_reads_one_version(account: Account) -> None:
    """Blocks that a killed pass left of an older version never get into the copy."""
    batch = await account.batch()

    def killed(done: str) -> None:
        if account.blobs.deeds.count("read") == 4:
            raise Killed

    account.blobs.before = killed
    with pytest.raises(Killed):
        await account.validate(batch)
    account.blobs.before = lambda done: None
    account.blobs.data[URL] = OTHER
    batch = await account.validate(batch)
    assert await read_all(account.service.stores.blobs, batch.input_blob) == OTHER


async def test_a_second_pass_leaves_the_first_copy_alone(account: Account) -> None:
    """An activity delivered twice reads a blob that changed meanwhile: what the run reads stays as it was accepted."""
    batch = await account.batch()
    accepted: list[Batch] = []

    async def overtaken() -> bool:
        if not accepted:
            accepted.append(await account.validate(batch))
            account.blobs.data[URL] = OTHER
        return True

    account.blobs.data[URL] = DATA
    with use(account.service):
        await scan_input(account.service, batch, overtaken, copies=True)
        await scan_input(account.service, batch, overtaken, copies=True)

    assert await read_all(account.service.stores.blobs, accepted[0].input_blob) == DATA


async def test_after_validation_the_blob_does_not_matter(account: Account) -> None:
    """Lanes and the end of the batch read the copy."""
    batch = await account.validate(await account.batch())
    del account.blobs.data[URL]
    assert (await account.run(batch)).completed == 10


@pytest.mark.parametrize(("size", "status"), [(len(DATA), Status.COMPLETED), (len(DATA) - 1, Status.FAILED)])
async def test_the_size_is_limited_by_itself(account: Account, size: int, status: Status) -> None:
    """Contract 3.5: more than a file may have; and what is too large is not read."""
    settings = replace(account.service.settings, max_blob_bytes=size, max_file_bytes=100)
    account.service = replace(account.service, settings=settings)
    batch = await account.run(await account.batch())
    assert batch.status is status
    if status is Status.FAILED:
        assert (batch.errors[0].code, "read" in account.blobs.deeds) == ("file_too_large", False)


@pytest.mark.parametrize("hosts", ["", f"{HOST}={'f' * 32}"])
async def test_an_account_that_is_listed_no_longer_is_left_alone(account: Account, hosts: str) -> None:
    """Or listed for another project: neither for the input nor for the results; these stay as files."""
    validated = await account.validate(await account.batch())
    account.blobs.deeds.clear()
    account.service = replace(account.service, settings=replace(account.service.settings, blob_hosts=hosts))
    batch = await account.run(validated)
    assert (batch.status, [error.code for error in batch.errors]) == (Status.COMPLETED, ["output_no_permissions"])
    assert len(await account.world.lines(batch.output_file_id)) == 10
    refused = await account.run(msgspec.structs.replace(await _another(account), id="0" * 32))
    assert (refused.errors[0].code, account.blobs.deeds) == ("input_no_permissions", [])


async def _another(account: Account) -> Batch:
    stored = (await account.service.stores.batches.list("default", limit=1))[0]
    fresh = msgspec.structs.replace(stored, id="0" * 32, status=Status.VALIDATING, chunks=0, total=0, errors=())
    await account.service.stores.batches.insert(fresh)
    return fresh


@pytest.mark.parametrize("trouble", [BlobMissing(FOLDER), AccessDenied(FOLDER)])
async def test_a_folder_that_refuses_costs_nobody_the_results(account: Account, trouble: Exception) -> None:
    """They stay as files, and the batch says where to look."""

    def refuse(done: str) -> None:
        if done == "write" and account.blobs.deeds.count("write") == 2:
            raise trouble

    account.blobs.before = refuse
    batch = await account.run(await account.batch())
    assert (batch.status, [error.code for error in batch.errors]) == (Status.COMPLETED, ["output_no_permissions"])
    assert len(await account.world.lines(batch.output_file_id)) == 10
    assert await account.world.lines(batch.error_file_id) == []


async def test_a_folder_that_is_down_is_tried_again(account: Account) -> None:
    """The record stays `finalizing` until the results are where they belong."""

    def down(done: str) -> None:
        if done == "write" and account.blobs.deeds.count("write") == 2:
            raise Unavailable("The account does not answer.")

    account.blobs.before = down
    batch = await account.batch()
    with pytest.raises(Unavailable):
        await account.run(batch)
    assert (await account.world.read(batch)).status is Status.FINALIZING
    assert (await account.finish(batch)).status is Status.COMPLETED
    assert account.result(batch, "output").count(b"\n") == 10
    assert await account.names() == []


async def test_finishing_again_changes_nothing(account: Account) -> None:
    """Activities run at least once."""
    batch = await account.run(await account.batch())
    before = dict(account.blobs.data)
    assert await account.finish(batch) == batch
    assert account.blobs.data == before


async def test_a_cancelled_batch_delivers_what_it_has(account: Account) -> None:
    """Contract 2.5: partial results, and a line for every request that never ran."""
    batch = await account.validate(await account.batch())
    await change(account.service, batch, CancelRequested())
    ended = await account.finish(batch)
    assert (ended.status, account.result(ended, "output")) == (Status.CANCELLED, b"")
    assert account.result(ended, "error").count(b"batch_cancelled") == 10
    assert await account.names() == []


async def test_a_copy_that_outlived_its_batch_is_swept(account: Account) -> None:
    """A call of the activity that came back after the end made it again."""
    batch = await account.run(await account.batch())
    await account.service.stores.blobs.put(input_copy(batch.id, "late"), b"late")
    now = account.service.now()
    for days in (0, 31):
        await sweep_remains(replace(account.service, now=lambda: now + timedelta(days=days)), now)  # noqa: B023
    assert [name async for name in account.service.stores.blobs.names(INPUTS_PREFIX)] == []
