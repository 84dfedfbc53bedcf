"""Progress lines of running batches."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from local_host.console.progress import Progress
from local_host.stores.stores import open_stores
from shared.domain.batches.batch import Batch, BatchError, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.keys.project import Project
from shared.domain.vendors.vendor import Vendor
from shared.ports.stores import Stores

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BATCH = Batch(
    id="0195f3c0000070008000000012345678",
    owner="default",
    vendor=Vendor.OPENAI,
    endpoint="/v1/chat/completions",
    input_file_id="f",
    input_blob="files/f",
    completion_window="24h",
    created_at=AT,
    expires_at=AT + timedelta(hours=24),
)


class Watch:
    """A progress report over a real store, its lines, and a clock set by hand."""

    def __init__(self, stores: Stores) -> None:
        self.batches, self.chunks, self.projects = stores.batches, stores.chunks, stores.projects
        self.at = AT
        self.lines: list[str] = []
        self.progress = Progress(stores, say=self.lines.append, now=lambda: self.at)

    async def look(self, after_seconds: float = 0.0) -> list[str]:
        """The lines of one more look."""
        self.at += timedelta(seconds=after_seconds)
        self.lines.clear()
        await self.progress.look()
        return list(self.lines)

    async def change(self, **changes: object) -> None:
        stored = await self.batches.get(BATCH.owner, BATCH.id)
        await self.batches.replace(msgspec.structs.replace(stored.value, **changes), stored.version)

    async def done(self, completed: int, failed: int = 0) -> None:
        stored = await self.chunks.get(BATCH.id, 0)
        row = ChunkRow(batch_id=BATCH.id, index=0, completed=completed, failed=failed)
        await self.chunks.put(row, stored.version if stored else None)


@pytest.fixture
async def watch(tmp_path: Path):
    stores = open_stores(tmp_path)
    yield Watch(stores)
    await stores.close()


async def test_without_batches_nothing_is_said(watch) -> None:
    """No news, no line."""
    assert await watch.look() == []


async def test_a_status_is_said_once(watch) -> None:
    """By the end of the id, which is what tells ids apart."""
    await watch.batches.insert(BATCH)
    assert await watch.look() == ["batch …12345678  validating"]
    assert await watch.look(10) == []


async def test_counts_are_said_every_few_seconds_while_they_move(watch) -> None:
    """With the failed and the rate since the last line."""
    await watch.batches.insert(msgspec.structs.replace(BATCH, status=Status.IN_PROGRESS, total=5000))
    assert await watch.look() == ["batch …12345678  in_progress  0/5,000"]
    await watch.done(100)
    assert await watch.look(1) == []
    await watch.done(1000, failed=200)
    assert await watch.look(3) == ["batch …12345678  in_progress  1,200/5,000  200 failed  300.0/s"]
    assert await watch.look(10) == []


async def test_the_end_is_said_with_counts_and_duration(watch) -> None:
    """One line, once."""
    await watch.batches.insert(msgspec.structs.replace(BATCH, status=Status.IN_PROGRESS, total=3))
    await watch.look()
    await watch.change(status=Status.COMPLETED, completed_at=AT + timedelta(seconds=12.34), completed=2, failed=1)
    assert await watch.look(15) == ["batch …12345678  completed after 12.3 s: 2 of 3 requests completed, 1 failed"]
    assert await watch.look(10) == []


async def test_a_failed_batch_is_said_with_its_code_only(watch) -> None:
    """Not the message, which may quote the file."""
    await watch.batches.insert(BATCH)
    await watch.look()
    await watch.change(
        status=Status.FAILED,
        failed_at=AT + timedelta(seconds=1),
        errors=(BatchError(code="empty_file", message="secret"),),
    )
    assert await watch.look(1) == ["batch …12345678  failed after 1.0 s: empty_file"]


async def test_a_batch_that_came_and_went_between_two_looks_is_said(watch) -> None:
    """Its end, once; one from before the host started is not."""
    ended = msgspec.structs.replace(BATCH, status=Status.COMPLETED, completed_at=AT, total=1, completed=1)
    before = msgspec.structs.replace(ended, id="0" * 32, created_at=AT - timedelta(seconds=1))
    await watch.batches.insert(before)
    await watch.batches.insert(ended)
    assert await watch.look() == ["batch …12345678  completed after 0.0 s: 1 of 1 requests completed, 0 failed"]
    assert await watch.look() == []


async def test_so_is_one_of_another_project(watch) -> None:
    """The operator sees the batches of all."""
    project = Project(id="0195f3c0000070008000000000000001", name="Translations", created_at=AT)
    await watch.projects.insert(project)
    ended = {"status": Status.COMPLETED, "completed_at": AT + timedelta(seconds=1)}
    await watch.batches.insert(msgspec.structs.replace(BATCH, owner=project.id, **ended))
    assert await watch.look() == ["batch …12345678  completed after 1.0 s"]
    assert await watch.look() == []
