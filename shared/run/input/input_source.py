"""Where the bytes of a batch's input come from: its input file, or a blob of the caller's own (contract 1.5.5).

A caller's blob is read once, in one version, and copied on the way: from then on it may change or vanish, and
whatever reads lines later reads the copy like any file.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from shared.domain.batches.batch import Batch, BatchError
from shared.domain.batches.chunk import input_copy
from shared.domain.files.blob_address import is_within
from shared.domain.files.new_file import BATCH_PURPOSE
from shared.domain.ids import is_id
from shared.domain.validation.validation_errors import (
    blob_modified,
    blob_unreadable,
    file_not_found,
    too_large,
    wrong_purpose,
)
from shared.ports.base import AccessDenied, BlobMissing, Changed
from shared.ports.caller_blobs import BlobVersion
from shared.services import Services


class InputUnreadable(Exception):
    """There is no input, or it cannot be read; `reason` is what the batch fails with."""

    def __init__(self, reason: BatchError) -> None:
        super().__init__(reason.message)
        self.reason = reason


class FileSource:
    """A file of the service, of `size` bytes. `missing` is said when its bytes are gone."""

    etag: str | None = None
    copy: str | None = None

    def __init__(self, service: Services, blob: str, size: int, missing: BatchError) -> None:
        self._service = service
        self._blob = blob
        self.size = size
        self._missing = missing

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Raises InputUnreadable."""
        try:
            async for block in self._service.stores.blobs.read(self._blob):
                yield block
        except BlobMissing:
            raise InputUnreadable(self._missing) from None

    async def keep(self) -> None:
        """A file stays as it is."""


class CallerSource:
    """A caller's blob in one version. For the batch `copies_for` its blocks are staged in the blob `copy` as they pass.

    Each version has a copy of its own: a repeated activity that finds another one leaves the first copy alone.
    """

    def __init__(self, service: Services, url: str, version: BlobVersion, copies_for: str | None) -> None:
        self._service = service
        self._url = url
        self._version = version
        self._block_ids: list[str] = []
        mark = hashlib.sha256(version.etag.encode()).hexdigest()[:16]
        self.copy = input_copy(copies_for, mark) if copies_for is not None else None

    @property
    def size(self) -> int:
        """Bytes."""
        return self._version.size

    @property
    def etag(self) -> str | None:
        return self._version.etag

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """Raises InputUnreadable."""
        try:
            async with aclosing(self._service.stores.caller_blobs.read(self._url, self._version)) as blocks:
                async for block in blocks:
                    await self._stage(block)
                    yield block
        except Changed:
            raise InputUnreadable(blob_modified(self._url)) from None
        except (BlobMissing, AccessDenied):
            raise InputUnreadable(blob_unreadable(self._url)) from None

    async def _stage(self, block: bytes) -> None:
        if self.copy is not None:
            self._block_ids.append(f"{len(self._block_ids):06d}")
            await self._service.stores.blobs.stage_block(self.copy, self._block_ids[-1], block)

    async def keep(self) -> None:
        """Once all blocks have passed: make the copy readable."""
        if self.copy is not None:
            await self._service.stores.blobs.commit_blocks(self.copy, self._block_ids)


InputSource = FileSource | CallerSource


async def open_input(service: Services, batch: Batch, *, copies: bool = False) -> InputSource:
    """The input of `batch` as it is now. Raises InputUnreadable, Unavailable."""
    if batch.input_url is not None:
        source = await open_blob(service, batch, batch.input_url, copies=copies)
        if source.size > service.settings.max_blob_bytes:
            raise InputUnreadable(too_large(service.settings.max_blob_bytes, None))
        return source
    if not is_id(batch.input_file_id):  # Whatever its caller wrote there.
        raise InputUnreadable(file_not_found(batch))
    file = await service.stores.files.get(batch.owner, batch.input_file_id)
    if file is None or file.is_expired(service.now()) or not batch.input_blob:
        raise InputUnreadable(file_not_found(batch))
    if file.purpose != BATCH_PURPOSE:
        raise InputUnreadable(wrong_purpose(batch, file.purpose))
    return FileSource(service, batch.input_blob, file.bytes, file_not_found(batch))


async def open_blob(service: Services, batch: Batch, url: str, *, copies: bool = False) -> CallerSource:
    """A blob of the caller of `batch` as it is now. Raises InputUnreadable, Unavailable."""
    if not is_within(url, service.settings.blob_origins(batch.owner)):
        raise InputUnreadable(blob_unreadable(url))
    try:
        version = await service.stores.caller_blobs.look(url)
    except (BlobMissing, AccessDenied):
        raise InputUnreadable(blob_unreadable(url)) from None
    return CallerSource(service, url, version, batch.id if copies else None)
