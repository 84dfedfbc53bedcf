"""Uploads in Table Storage: partition = owner for the records, `$parts_<upload>` for the parts of one upload.

Each has an expiry marker (`expiry`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from shared.azure.expiry import expired_records, expiry_key
from shared.azure.names import EXPIRY, Key, parts_of, table_key
from shared.azure.tables import Table
from shared.domain.files.upload import Upload, UploadPart
from shared.ports.base import Stored
from shared.stored_records import read_record


class _Marker(msgspec.Struct, frozen=True):
    owner: str
    upload_id: str

    @property
    def key(self) -> Key:
        return table_key(self.upload_id)


class TableUploads:
    """`UploadStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, upload: Upload) -> None:
        marker = msgspec.json.encode(_Marker(upload.owner, upload.id))
        await self._table.upsert(EXPIRY, expiry_key(upload.expires_at, upload.id, upload.owner), marker)
        await self._table.insert(table_key(upload.owner), table_key(upload.id), msgspec.json.encode(upload))

    async def get(self, owner: str, upload_id: str) -> Stored[Upload] | None:
        return await self._table.find(table_key(owner), table_key(upload_id), Upload)

    async def replace(self, upload: Upload, version: str) -> str:
        return await self._table.replace(
            table_key(upload.owner), table_key(upload.id), msgspec.json.encode(upload), version
        )

    async def put_part(self, part: UploadPart) -> None:
        await self._table.upsert(parts_of(part.upload_id), table_key(part.id), msgspec.json.encode(part))

    async def list_parts(self, upload_id: str) -> list[UploadPart]:
        rows = self._table.query(parts_of(upload_id))
        return [read_record(row.record, UploadPart) async for row in rows]

    async def delete_part(self, part: UploadPart) -> None:
        await self._table.delete(parts_of(part.upload_id), table_key(part.id))

    async def delete(self, upload: Upload) -> bool:
        for part in await self.list_parts(upload.id):
            await self.delete_part(part)
        deleted = await self._table.delete(table_key(upload.owner), table_key(upload.id))
        await self._table.delete(EXPIRY, expiry_key(upload.expires_at, upload.id, upload.owner))
        return deleted

    def expired(self, now: datetime) -> AsyncIterator[Upload]:
        return expired_records(self._table, now, _Marker, Upload)
