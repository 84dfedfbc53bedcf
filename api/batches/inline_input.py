"""`requests` of a create call, in place of a file: read as they come, and kept as the input file of the batch.

Rule of this file: memory is one request and some blocks, however many there are. The file becomes one only when its
batch does; a call that fails leaves nothing, one that dies leaves what is swept or expires.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec

from api.edge.endpoint import Call
from api.edge.json_body import MAX_BODY_BYTES
from api.edge.json_stream import Begin, Item, Member, read_object
from api.files.block_writer import BlockWriter
from api.files.uploading import drain, most_bytes
from shared.domain import ids
from shared.domain.batches.inline_requests import REQUESTS, check_count, check_member, lines_of
from shared.domain.errors import DurableBatchError
from shared.domain.files.file import File, upload_blob
from shared.domain.files.new_file import BATCH_PURPOSE, too_large
from shared.domain.keys.scopes import Scope
from shared.domain.lines.inline_lines import InlineLines
from shared.run.files.file_quota import check_quota
from shared.run.input.input_bytes import drop_file
from shared.telemetry.attributes import DIRECTION, PURPOSE
from shared.telemetry.metrics import FILE_BYTES

FILENAME = "requests.jsonl"
log = logging.getLogger(__name__)


class InlineInput:
    """The requests of one call, if it has any (`is_given`). `body` is the call's without them."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._id = ids.new_id(call.service.now(), os.urandom(10))
        blocks = call.service.settings.upload_block_bytes
        self._writer = BlockWriter(call.service.stores.blobs, upload_blob(self._id), blocks)
        self._members: dict[str, bytes] = {}
        self.is_given = False
        self._file: File | None = None
        self._count = self._size = 0
        self._whole = hashlib.sha256()

    @classmethod
    async def receive(cls, call: Call, body: AsyncIterator[bytes]) -> InlineInput:
        """Raises InvalidRequest, ClientDisconnect."""
        received = cls(call)
        pieces = received._watched(body)
        try:
            await received._read(pieces)
        except BaseException as error:
            await received._writer.abandon()
            if isinstance(error, DurableBatchError):
                await drain(body, most_bytes(call.service.settings, None))
            raise
        return received

    @property
    def body(self) -> bytes:
        """JSON, as far as the caller's is."""
        members = [msgspec.json.encode(name) + b":" + value for name, value in self._members.items()]
        return b"{%b}" % b",".join(members)

    @property
    def digest(self) -> bytes:
        """Of the whole body, as it came."""
        return self._whole.digest()

    async def keep(self) -> File:
        """Make them a file. Raises InvalidRequest."""
        call, now = self._call, self._call.service.now()
        file = File(
            id=self._id,
            owner=call.caller.owner,
            filename=FILENAME,
            purpose=BATCH_PURPOSE,
            bytes=self._size,
            created_at=now,
            # For every vendor: nobody asked for this file, so nobody will delete it.
            expires_at=now + timedelta(seconds=call.service.settings.file_expiry_seconds),
            blob=upload_blob(self._id),
        )
        await check_quota(call.service, file.owner, call.caller.limits, expires=True, size=file.bytes)
        await self._writer.commit()
        await call.service.stores.files.insert(file)
        self._file = file
        FILE_BYTES.record(file.bytes, {PURPOSE: file.purpose, DIRECTION: "upload"})
        return file

    async def drop(self) -> None:
        """No batch has come of it. Never raises: what stays expires."""
        if self._file is None:
            await self._writer.abandon()
            return
        try:
            await drop_file(self._call.service, self._file)
        except DurableBatchError:
            log.warning("Could not remove an abandoned upload.", extra={"action": "abandon_upload"}, exc_info=True)

    async def _watched(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        limit, size = most_bytes(self._call.service.settings, BATCH_PURPOSE), 0
        async for piece in body:
            size += len(piece)
            if size > limit + MAX_BODY_BYTES:
                raise too_large(BATCH_PURPOSE, limit)
            self._whole.update(piece)
            yield piece

    async def _read(self, pieces: AsyncIterator[bytes]) -> None:
        settings = self._call.service.settings
        most = settings.max_requests(self._call.dialect.vendor)
        lines = InlineLines(url="")
        found = read_object(pieces, REQUESTS, most_bytes=MAX_BODY_BYTES, most_item_bytes=settings.max_line_bytes)
        async for part in found:
            match part:
                case Member(name=name, value=value):
                    check_member(name, are_read=self.is_given)
                    self._members[name] = value
                case Begin():
                    check_member(REQUESTS, are_read=self.is_given)
                    self._call.caller.require(Scope.FILES_WRITE)
                    self.is_given, lines = True, lines_of(self._members)
                case Item(value=value):
                    await self._write(lines.line(value, self._count))
                    check_count(self._count, most)
        if self.is_given:
            check_count(self._count, most)

    async def _write(self, line: bytes) -> None:
        self._count += 1
        self._size += len(line)
        if self._size > (limit := most_bytes(self._call.service.settings, BATCH_PURPOSE)):
            raise too_large(BATCH_PURPOSE, limit)
        await self._writer.write(line)
