"""A batch in progress on the real local stores, and an upstream whose every answer a test can script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local_host.stores.stores import open_stores
from shared.answer_room import Share
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import Plan, PlannedChunk, plan_blob
from shared.domain.deployments.deployment import Deployment
from shared.domain.ids import new_id
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest, UpstreamResponse
from shared.domain.vendors.vendor import Vendor
from shared.run.chunks.plan import read_all
from shared.services import Services, use
from shared.settings import Settings
from tests.fake_receivers import FakeReceivers

OWNER = "default"
INPUT_FILE = new_id(datetime(2026, 11, 26, tzinfo=UTC), bytes(10))
Script = Callable[[str, int], UpstreamAnswer | float | asyncio.Event]


def answer(status: int = 200, body: Any = None, **headers: str) -> UpstreamResponse:
    """An HTTP answer; without `body`, a chat completion."""
    shown = body if body is not None else {"model": "m-2026", "usage": {"prompt_tokens": 2, "completion_tokens": 3}}
    return UpstreamResponse(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=shown if isinstance(shown, bytes) else msgspec.json.encode(shown),
    )


@dataclass
class ScriptedUpstream:
    """Answers by `script(prompt, how often it was asked before)`; remembers what it was asked.

    A number of seconds, or an event, is what an ordinary answer is to wait for.
    """

    script: Script = lambda prompt, before: answer()
    latency_seconds: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    peak: int = 0

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        prompt = msgspec.json.decode(request.body)["messages"][-1]["content"]
        self.asked[prompt] += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.latency_seconds)
            said = self.script(prompt, self.asked[prompt] - 1)
            if isinstance(said, asyncio.Event):
                await said.wait()
                return answer()
            if isinstance(said, float):
                await asyncio.sleep(said)
                return answer()
            return said
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        pass


@dataclass
class World:
    """The services of one test and shortcuts to what they hold."""

    service: Services
    upstream: ScriptedUpstream

    async def batch(
        self,
        lines: int,
        *,
        per_chunk: int = 10,
        vendor: Vendor = Vendor.OPENAI,
        prefix_of: Callable[[int], str] = lambda number: "",
        **changes: Any,
    ) -> Batch:
        """A batch in progress whose line n (from 1) has the custom_id `c<n>`, and the prompt `p<n>` after its prefix."""
        now = datetime.now(UTC)
        batch_id = new_id(now, bytes(10))
        chunks, data = [], b""
        for first in range(1, lines + 1, per_chunk):
            numbers = range(first, min(first + per_chunk, lines + 1))
            piece = b"".join(request_line(number, prefix_of(number)) for number in numbers)
            chunks.append(
                PlannedChunk(
                    index=len(chunks),
                    start=len(data),
                    length=len(piece),
                    first_line=first,
                    lines=len(numbers),
                    tokens=9,
                )
            )
            data += piece
        await self.service.stores.blobs.stage_block("files/in", "0", data)
        await self.service.stores.blobs.commit_blocks("files/in", ["0"])
        await self.service.stores.blobs.put(plan_blob(batch_id, None), msgspec.json.encode(Plan(chunks=tuple(chunks))))
        batch = Batch(
            id=batch_id,
            owner=OWNER,
            vendor=vendor,
            endpoint="/v1/chat/completions",
            input_file_id=INPUT_FILE,
            input_blob="files/in",
            completion_window="24h",
            created_at=now,
            expires_at=now + timedelta(hours=24),
            status=Status.IN_PROGRESS,
            in_progress_at=now,
            deployment="m",
            total=lines,
            chunks=len(chunks),
        )
        batch = msgspec.structs.replace(batch, **changes)
        await self.service.stores.batches.insert(batch)
        return batch

    async def read(self, batch: Batch) -> Batch:
        stored = await self.service.stores.batches.get(batch.owner, batch.id)
        assert stored is not None
        return stored.value

    async def lines(self, file_id: str | None) -> list[dict[str, Any]]:
        """The result lines of an output or error file; none for no file."""
        if file_id is None:
            return []
        file = await self.service.stores.files.get(OWNER, file_id)
        assert file is not None
        data = await read_all(self.service.stores.blobs, file.blob)
        assert len(data) == file.bytes
        return [msgspec.json.decode(line) for line in data.splitlines()]

    def with_settings(self, **changes: Any) -> Services:
        return replace(self.service, settings=replace(self.service.settings, **changes))


def request_line(number: int, prefix: str = "") -> bytes:
    before = [{"role": "system", "content": prefix}] if prefix else []
    body = {"model": "m", "messages": [*before, {"role": "user", "content": f"p{number}"}]}
    line = {"custom_id": f"c{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return msgspec.json.encode(line) + b"\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened_world(tmp_path) as world:
        yield world


@asynccontextmanager
async def opened_world(folder: Path) -> AsyncIterator[World]:
    stores = open_stores(folder)
    upstream = ScriptedUpstream()
    settings = Settings(
        deployments={"m": Deployment(name="m", base_url="http://upstream", max_concurrency=8)},
        heartbeat_seconds=0.05,
        journal_seconds=0.05,
        retry_first_seconds=0.01,
        retry_max_seconds=0.02,
        drain_seconds=0.3,
    )
    service = Services(
        settings=settings,
        stores=stores,
        upstream=upstream,
        webhook_sender=FakeReceivers(),
    )
    with use(service):
        yield World(service, upstream)
    await stores.close()
