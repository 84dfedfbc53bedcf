"""The input of a retry: the request lines of an ended batch that its error file names, as they came.

Rule of this file: bytes are streamed; memory is some blocks, the longest line and a digest per failed line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.files.block_writer import BlockWriter
from shared.domain.batches.batch import Batch
from shared.domain.batches.retry_codes import choose_codes
from shared.domain.errors import WrongState
from shared.domain.files.blob_address import result_address
from shared.domain.files.file import File, upload_blob
from shared.domain.files.new_file import BATCH_PURPOSE
from shared.domain.ids import derived_id
from shared.domain.lines.retry_lines import RetryLines
from shared.domain.validation.validation_errors import file_not_found
from shared.ports.base import AlreadyExists
from shared.run.input.input_source import FileSource, InputSource, InputUnreadable, open_blob, open_input
from shared.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """How a batch record names its input."""

    file_id: str
    blob: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryInput:
    """What a retry of `batch` is made from. Without `errors` no request ever ran, and it reads the same input.

    `take` says of a line of the error file whether it is retried.
    """

    service: Services
    batch: Batch
    requests: InputSource
    errors: InputSource | None
    take: Callable[[bytes], bool]

    @classmethod
    async def of(cls, service: Services, batch: Batch, codes: frozenset[str] | None) -> RetryInput:
        """Of all that failed, or what failed with `codes`.

        Raises WrongState if the batch has not ended, if every request succeeded, or if a file it needs is gone, and
        InvalidRequest for codes that the batch does not have.
        """
        if not batch.is_terminal:
            raise WrongState(
                f"Cannot retry a batch with status '{batch.status}'. Wait until it has ended, or cancel it first."
            )
        if batch.total and batch.completed == batch.total:
            raise WrongState("Every request of this batch succeeded: there is nothing to retry.")
        take = choose_codes(codes, batch.failures).take
        try:
            requests = await open_input(service, batch)
            errors = await _open_errors(service, batch) if batch.total else None
        except InputUnreadable as unreadable:
            raise _gone(unreadable) from None
        if batch.input_etag is not None and requests.etag != batch.input_etag:
            raise WrongState(
                "The input blob of this batch is not the one any more that it read. Create a new batch.",
                code="input_modified",
            )
        return cls(service=service, batch=batch, requests=requests, errors=errors, take=take)

    async def reference(self, retry_id: str, now: datetime) -> Reference:
        """The input of the batch `retry_id`, created `now`. Called again, it makes the same file."""
        if self.errors is None:
            blob = "" if self.batch.input_url else self.batch.input_blob
            return Reference(file_id=self.batch.input_file_id, blob=blob, url=self.batch.input_url)
        file_id = derived_id(now, retry_id, "input")
        expires_at = now + timedelta(seconds=self.service.settings.file_expiry_seconds)
        file = File(
            id=file_id,
            owner=self.batch.owner,
            filename=f"batch_{self.batch.id}_retry.jsonl",
            purpose=BATCH_PURPOSE,
            bytes=await self._write(upload_blob(file_id), self.errors),
            created_at=now,
            expires_at=expires_at,  # For every vendor: nobody asked for this file, so nobody will delete it.
            blob=upload_blob(file_id),
        )
        with suppress(AlreadyExists):
            await self.service.stores.files.insert(file)
        return Reference(file_id=file.id, blob=file.blob, url=None)

    async def _write(self, name: str, errors: InputSource) -> int:
        """Bytes written. Blocks have the same names and bytes in every attempt, so that attempts cannot mix them."""
        lines = RetryLines(self.take)
        writer = BlockWriter(self.service.stores.blobs, name, self.service.settings.upload_block_bytes)
        try:
            async with aclosing(errors.blocks()) as blocks:
                async for block in blocks:
                    await asyncio.to_thread(lines.fail, block)
            async with aclosing(self.requests.blocks()) as blocks:
                async for block in blocks:
                    await writer.write(await asyncio.to_thread(lines.select, block))
            await writer.write(lines.rest())
        except InputUnreadable as unreadable:
            raise _gone(unreadable) from None
        finally:
            await writer.settle()
        return await writer.commit()


async def _open_errors(service: Services, batch: Batch) -> InputSource:
    """The error lines: a file, or a blob in the caller's folder."""
    if batch.error_file_id is None and batch.output_folder is not None:
        return await open_blob(service, batch, result_address(batch.output_folder, batch.id, "error"))
    file = await service.stores.files.get(batch.owner, batch.error_file_id) if batch.error_file_id else None
    missing = file_not_found(batch, batch.error_file_id)
    if file is None or file.is_expired(service.now()):
        raise InputUnreadable(missing)
    return FileSource(service, file.blob, file.bytes, missing)


def _gone(unreadable: InputUnreadable) -> WrongState:
    return WrongState(
        "A retry needs the input and the error file of this batch, and one of them was deleted or has expired. Upload "
        f"the requests again and create a new batch. ({unreadable.reason.message})",
        code="file_gone",
    )
