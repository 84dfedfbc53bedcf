"""One file sent in one call, from the first byte of its form to the file record. Used by `create_file`.

Rule of this file: bytes are staged as they arrive; an upload that fails for any reason leaves nothing.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import suppress

from azurefunctions.extensions.http.fastapi import Request
from starlette.requests import ClientDisconnect

from api.edge.endpoint import Call
from api.files.block_writer import BlockWriter
from api.files.multipart import Field, FileStart, read_form
from shared.domain import ids
from shared.domain.errors import DurableBatchError
from shared.domain.files.file import ExpiresAfter, File, upload_blob
from shared.domain.files.new_file import BATCH_PURPOSE, HEAD_BYTES, NewFile, parse_new_file, too_large
from shared.domain.parameters import missing
from shared.run.files.file_quota import check_quota
from shared.settings import Settings
from shared.telemetry.attributes import DIRECTION, PURPOSE
from shared.telemetry.metrics import FILE_BYTES


class _Received:
    """What is known of the upload so far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.head = bytearray()
        self.size = 0

    def check_size(self) -> None:
        purpose = self.fields.get("purpose")
        limit = most_bytes(self._settings, purpose)
        if self.size > limit:
            raise too_large(purpose, limit)

    def checked(self) -> NewFile:
        if self.filename is None:
            raise missing("file")
        return parse_new_file(self.fields, self.filename, bytes(self.head), whole=self.size == len(self.head))


async def receive_file(request: Request, call: Call) -> File:
    """The stored file. Raises InvalidRequest, or ClientDisconnect if the connection is lost."""
    service = call.service
    file_id = ids.new_id(service.now(), os.urandom(10))
    writer = BlockWriter(service.stores.blobs, upload_blob(file_id), service.settings.upload_block_bytes)
    body = request.stream()
    try:
        received = await _receive(request, body, writer, service.settings)
        file = _file(call, file_id, received.checked(), received.size)
        await check_quota(service, file.owner, call.caller.limits, expires=file.expires_at is not None, size=file.bytes)
        await writer.commit()
    except BaseException as error:
        await writer.abandon()
        if isinstance(error, DurableBatchError):
            await drain(body, most_bytes(service.settings, None))
        raise
    # Should this fail, the bytes stay: the record may have been written after all.
    await service.stores.files.insert(file)
    FILE_BYTES.record(file.bytes, {PURPOSE: file.purpose, DIRECTION: "upload"})
    return file


async def _receive(request: Request, body: AsyncIterator[bytes], writer: BlockWriter, settings: Settings) -> _Received:
    received = _Received(settings)
    async for part in read_form(request.headers.get("content-type"), body):
        match part:
            case Field(name=name, value=value):
                received.fields[name] = value
            case FileStart(filename=filename):
                received.filename = filename
            case bytes():
                received.size += len(part)
                received.check_size()
                received.head += part[: HEAD_BYTES - len(received.head)]
                await writer.write(part)
    received.check_size()  # Once more: its purpose may have come last.
    return received


def _file(call: Call, file_id: str, new: NewFile, size: int) -> File:
    created_at = call.service.now()
    expires_after = new.expires_after or default_expiry(call, new.purpose)
    return File(
        id=file_id,
        owner=call.caller.owner,
        filename=new.filename,
        purpose=new.purpose,
        bytes=size,
        created_at=created_at,
        expires_at=expires_after.expiry(created_at) if expires_after else None,
        blob=upload_blob(file_id),
    )


def default_expiry(call: Call, purpose: str) -> ExpiresAfter | None:
    """OpenAI expires batch input files, Azure keeps everything until it is deleted (contract 1.5.1)."""
    if call.dialect.files_expire and purpose == BATCH_PURPOSE:
        return ExpiresAfter(seconds=call.service.settings.file_expiry_seconds)
    return None


def most_bytes(settings: Settings, purpose: str | None) -> int:
    """The largest file that one call may bring for `purpose`; None: for any."""
    if purpose is None:
        return max(settings.max_file_bytes, settings.max_other_file_bytes)
    return settings.max_file_bytes if purpose == BATCH_PURPOSE else settings.max_other_file_bytes


async def drain(body: AsyncIterator[bytes], limit: int) -> None:
    """Read on after a refusal, within bounds: a client still sending would see a reset instead of the reason."""
    with suppress(ClientDisconnect):
        async for piece in body:
            limit -= len(piece)
            if limit < 0:
                return
