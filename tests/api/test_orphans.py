"""Bytes that no record names are removed in the end, and only those."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.services import Services, use
from shared.services import services as installed
from tests.api.harness import LINE, Clock
from tests.with_stores import with_stores
from timers.sweep_orphans import sweep_orphans

Upload = Callable[..., Awaitable[httpx.Response]]


class DyingFiles:
    """A file store that dies before its first insert."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def insert(self, file: Any) -> None:
        raise RuntimeError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def sweep() -> None:
    await sweep_orphans(installed())


async def names(services: Services, prefix: str) -> list[str]:
    return [name async for name in services.stores.blobs.names(prefix)]


def left(tmp_path: Path) -> int:
    return len(list((tmp_path / "blobs").iterdir()))


@pytest.fixture
async def orphan(services: Services, upload: Upload, tmp_path: Path) -> None:
    """A file whose record was never written."""
    with use(with_stores(services, files=DyingFiles(services.stores.files))):
        assert (await upload()).status_code == 500
    assert left(tmp_path) == 1


@pytest.mark.usefixtures("orphan")
async def test_an_orphan_is_removed_a_month_after_it_was_noted(
    upload: Upload, clock: Clock, services: Services
) -> None:
    """It is noted after a day, for its record may be on its way until then, and removed when none has come."""
    await upload(purpose="user_data")
    await sweep()
    assert await names(services, "lost+found/") == []
    clock.advance(days=1, seconds=1)
    await sweep()
    assert len(await names(services, "lost+found/")) == 1
    clock.advance(days=29)
    await sweep()
    assert len(await names(services, "files/")) == 2
    clock.advance(days=2)
    await sweep()
    assert len(await names(services, "files/")) == 1
    assert await names(services, "lost+found/") == []


async def test_files_stay(api: httpx.AsyncClient, upload: Upload, clock: Clock) -> None:
    """Whatever their age."""
    file_id = (await upload(purpose="user_data")).json()["id"]
    clock.advance(days=400)
    await sweep()

    assert (await api.get(f"/v1/files/{file_id}/content")).content == LINE


async def test_bytes_that_a_batch_reads_stay(
    api: httpx.AsyncClient, upload: Upload, create: Upload, clock: Clock, tmp_path: Path
) -> None:
    """Although their file was deleted (contract 1.5.3)."""
    file_id = (await upload()).json()["id"]
    await create(input_file_id=file_id)
    await api.delete(f"/v1/files/{file_id}")
    clock.advance(days=2)
    await sweep()

    assert left(tmp_path) == 1


async def test_an_upload_whose_completion_was_cut_off_keeps_its_bytes(
    api: httpx.AsyncClient, services: Services, clock: Clock, tmp_path: Path
) -> None:
    """However late the sweeps are: the file is decided, and its record still to come."""
    body = {"filename": "in.jsonl", "purpose": "batch", "bytes": len(LINE), "mime_type": "application/jsonl"}
    made = (await api.post("/v1/uploads", json=body)).json()["id"]
    part = (await api.post(f"/v1/uploads/{made}/parts", files={"data": ("a", LINE)})).json()["id"]
    with use(with_stores(services, files=DyingFiles(services.stores.files))):
        assert (await api.post(f"/v1/uploads/{made}/complete", json={"part_ids": [part]})).status_code == 500
    clock.advance(days=3)
    await sweep()

    assert left(tmp_path) == 1
