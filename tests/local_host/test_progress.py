"""Progress lines of running batches, for a person; times of day are left out where they say nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from local_host.console.batch_lines import Fetching, clock
from local_host.console.progress import Progress
from local_host.stores.stores import open_stores
from shared.domain.batches.batch import Batch, BatchError, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.keys.project import Project
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.vendors.vendor import Vendor
from shared.ports.stores import Stores
from shared.services import Services
from shared.settings import Settings
from shared.upstream.client import UpstreamClient
from shared.webhook_sender import HttpWebhookSender

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


ID = f"batch_{BATCH.id}"


class Watch:
    """A progress report over a real store, its lines, and a clock set by hand."""

    def __init__(self, stores: Stores) -> None:
        self.batches, self.chunks, self.projects = stores.batches, stores.chunks, stores.projects
        self.at = AT
        self.lines: list[str] = []
        self.heartbeats = stores.heartbeats
        service = Services(
            settings=Settings(),
            stores=stores,
            upstream=UpstreamClient(max_response_bytes=1),
            webhook_sender=HttpWebhookSender(timeout_seconds=1, allow_private=False),
            now=lambda: self.at,
        )
        self.progress = Progress(service, say=self.lines.append, fetching=Fetching(url="http://h:1", key="K"))

    async def look(self, after_seconds: float = 0.0) -> list[str]:
        """What one more look tells, without the times of day at the beginning."""
        self.at += timedelta(seconds=after_seconds)
        self.lines.clear()
        await self.progress.look()
        assert all(line.startswith(f"{clock(self.at)}  ") or "after" in line for line in self.lines)
        return [line[10:] for line in self.lines]

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
    """With the id that a caller has, to be copied."""
    await watch.batches.insert(BATCH)
    assert await watch.look() == [f"{ID}  validating"]
    assert await watch.look(10) == []


async def test_counts_are_said_every_few_seconds_while_they_move(watch) -> None:
    """With model, share, the failed, the rate since the last line, and when it ends."""
    running = {"status": Status.IN_PROGRESS, "in_progress_at": AT, "deployment": "m", "total": 5000}
    await watch.batches.insert(msgspec.structs.replace(BATCH, **running))
    assert await watch.look() == [f"{ID}  m: 0 of 5,000"]
    await watch.done(100)
    assert await watch.look(1) == []
    await watch.done(1000, failed=200)
    ends = clock(AT + timedelta(seconds=4 + 3800 / 300))
    assert await watch.look(3) == [f"{ID}  m: 1,200 of 5,000 (24 %), 200 failed, 300.0/s, ends about {ends}"]
    assert await watch.look(10) == []


async def test_a_long_batch_is_told_of_less_often(watch) -> None:
    """A line for each twentieth of its age."""
    running = {"status": Status.IN_PROGRESS, "in_progress_at": AT, "deployment": "m", "total": 5000}
    await watch.batches.insert(msgspec.structs.replace(BATCH, **running))
    assert len(await watch.look(3600)) == 1
    await watch.done(1)
    assert await watch.look(150) == []
    assert len(await watch.look(60)) == 1


async def test_a_batch_that_waits_says_until_when_and_why(watch) -> None:
    """At once, then each time that it tried in vain; the sentence only when it is another."""
    running = {"status": Status.IN_PROGRESS, "in_progress_at": AT, "deployment": "m", "total": 20}
    await watch.batches.insert(msgspec.structs.replace(BATCH, **running))
    beat = Heartbeat(deployment="m", batch_id=BATCH.id, lane=0, at=AT, reason="It refuses its key.")

    async def paused(until: datetime) -> None:
        await watch.heartbeats.beat(msgspec.structs.replace(beat, paused_until=until, at=watch.at))

    await watch.look()
    first, second = AT + timedelta(seconds=20), AT + timedelta(seconds=50)
    await paused(first)
    assert await watch.look(1) == [f"{ID}  m: 0 of 20, waits until {clock(first)}\n          It refuses its key."]
    assert await watch.look(9) == []
    await paused(second)
    assert await watch.look(12) == [f"{ID}  m: 0 of 20, waits until {clock(second)}"]


async def test_the_end_is_said_with_counts_and_duration(watch) -> None:
    """One line, once."""
    await watch.batches.insert(msgspec.structs.replace(BATCH, status=Status.IN_PROGRESS, total=3))
    await watch.look()
    await watch.change(status=Status.COMPLETED, completed_at=AT + timedelta(seconds=12.34), completed=2, failed=1)
    assert await watch.look(15) == [f"{ID}  completed after 12.3 s: 2 of 3 answered, 1 failed"]
    assert await watch.look(10) == []


async def test_the_end_says_how_results_are_had(watch) -> None:
    """A command for each file that there is."""
    result = "0195f3c0000070008000000000000001"
    done = {"status": Status.COMPLETED, "completed_at": AT, "total": 1, "completed": 1, "output_file_id": result}
    await watch.batches.insert(msgspec.structs.replace(BATCH, **done))
    (said,) = await watch.look()
    file_id = BATCH.rules.result_id(result)
    command = f'curl -s http://h:1/v1/files/{file_id}/content -H "Authorization: Bearer K" -o answers.jsonl'
    assert said.splitlines()[1:] == [f"          answers: {command}"]


async def test_a_failed_batch_is_said_with_its_code_only(watch) -> None:
    """Not the message, which may quote the file."""
    await watch.batches.insert(BATCH)
    await watch.look()
    await watch.change(
        status=Status.FAILED,
        failed_at=AT + timedelta(seconds=1),
        errors=(BatchError(code="empty_file", message="secret"),),
    )
    assert await watch.look(1) == [f"{ID}  failed after 1.0 s: empty_file"]


async def test_a_batch_that_came_and_went_between_two_looks_is_said(watch) -> None:
    """Its end, once; one from before the host started is not."""
    ended = msgspec.structs.replace(BATCH, status=Status.COMPLETED, completed_at=AT, total=1, completed=1)
    before = msgspec.structs.replace(ended, id="0" * 32, created_at=AT - timedelta(seconds=1))
    await watch.batches.insert(before)
    await watch.batches.insert(ended)
    assert await watch.look() == [f"{ID}  completed after 0.0 s: 1 of 1 answered, 0 failed"]
    assert await watch.look() == []


async def test_so_is_one_of_another_project(watch) -> None:
    """The operator sees the batches of all."""
    project = Project(id="0195f3c0000070008000000000000001", name="Translations", created_at=AT)
    await watch.projects.insert(project)
    ended = {"status": Status.COMPLETED, "completed_at": AT + timedelta(seconds=1)}
    ended["output_file_id"] = "0195f3c0000070008000000000000002"
    await watch.batches.insert(msgspec.structs.replace(BATCH, owner=project.id, **ended))
    (said,) = await watch.look()
    assert said.splitlines()[0] == f"{ID}  completed after 1.0 s"
    assert said.splitlines()[1].endswith(f"of the project {project.id}")  # Which no key at hand opens.
    assert await watch.look() == []
