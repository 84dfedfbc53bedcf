"""The input file of a retry: the request lines of an ended batch that its error file names, as they were uploaded.

Rule of this file: bytes are streamed; memory is some blocks, the longest line and a digest per failed line.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.block_writer import BlockWriter
from shared.domain.batch import Batch
from shared.domain.errors import WrongState
from shared.domain.file import File, upload_blob
from shared.domain.ids import derived_id
from shared.domain.new_file import BATCH_PURPOSE
from shared.domain.retry_lines import RetryLines
from shared.ports import AlreadyExists, BlobMissing
from shared.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryInput:
    """What a retry of `batch` reads. Without an error file no request ever ran, and it reads the whole input."""

    services: Services
    batch: Batch
    input_file: File
    error_file: File | None

    @classmethod
    async def of(cls, services: Services, batch: Batch) -> RetryInput:
        """Raises WrongState if there is nothing to retry, not yet, or the files that say what are gone."""
        if not batch.is_terminal:
            raise WrongState(
                f"Cannot retry a batch with status '{batch.status}'. Wait until it has ended, or cancel it first."
            )
        if batch.total and batch.completed == batch.total:
            raise WrongState("Every request of this batch succeeded: there is nothing to retry.")
        input_file = await _live(services, batch, batch.input_file_id)
        error_file = await _live(services, batch, batch.error_file_id) if batch.total else None
        if input_file is None or (batch.total and error_file is None):
            raise _gone("input" if input_file is None else "error")
        return cls(services=services, batch=batch, input_file=input_file, error_file=error_file)

    async def file_for(self, retry_id: str, now: datetime) -> File:
        """The stored input file of the batch `retry_id`, created `now`. Called twice, it makes one file."""
        if self.error_file is None:
            return self.input_file
        file_id = derived_id(now, retry_id, "input")
        settings = self.services.settings
        file = File(
            id=file_id,
            owner=self.batch.owner,
            filename=f"batch_{self.batch.id}_retry.jsonl",
            purpose=BATCH_PURPOSE,
            bytes=await self._write(upload_blob(file_id), self.error_file),
            created_at=now,
            expires_at=now + timedelta(seconds=settings.file_expiry_seconds),  # Nobody asked for it: nobody deletes it.
            blob=upload_blob(file_id),
        )
        with suppress(AlreadyExists):
            await self.services.files.insert(file)
        return file

    async def _write(self, name: str, error_file: File) -> int:
        """Bytes written. Blocks have the same names and bytes in every attempt, so that attempts cannot mix them."""
        blobs, lines = self.services.blobs, RetryLines()
        writer = BlockWriter(blobs, name, self.services.settings.upload_block_bytes)
        try:
            async for block in blobs.read(error_file.blob):
                await asyncio.to_thread(lines.fail, block)
            async for block in blobs.read(self.input_file.blob):
                await writer.write(await asyncio.to_thread(lines.select, block))
            await writer.write(lines.rest())
        except BlobMissing:
            raise _gone("input or error") from None
        finally:
            await writer.settle()
        return await writer.commit()


async def _live(services: Services, batch: Batch, file_id: str | None) -> File | None:
    file = await services.files.get(batch.owner, file_id) if file_id else None
    return None if file is None or file.is_expired(services.now()) else file


def _gone(which: str) -> WrongState:
    return WrongState(
        f"The {which} file of this batch was deleted or has expired, and with it what a retry needs. "
        "Upload the requests again and create a new batch.",
        code="file_gone",
    )
