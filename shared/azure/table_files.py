"""File records in Table Storage: partition = owner, row key = inverted id, so that a list is one range query.

One that expires has a marker (`expiry`).
"""

from __future__ import annotations

import builtins
import re
from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from shared.azure.expiry import expired_records, expiry_key
from shared.azure.names import EXPIRY, FIRST, Key, newest_first, table_key
from shared.azure.tables import Table, first_sound
from shared.domain.files.file import File
from shared.stored_records import read_if_sound, read_record

_PURPOSE = re.compile(r"[a-z_-]{1,64}")


class _Marker(msgspec.Struct, frozen=True):
    owner: str
    file_id: str

    @property
    def key(self) -> Key:
        return newest_first(self.file_id)


class TableFiles:
    """`FileStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, file: File) -> None:
        if file.expires_at is not None:
            marker = msgspec.json.encode(_Marker(file.owner, file.id))
            await self._table.upsert(EXPIRY, expiry_key(file.expires_at, file.id, file.owner), marker)
        record = msgspec.json.encode(file)
        await self._table.insert(table_key(file.owner), newest_first(file.id), record, Purpose=file.purpose)

    async def get(self, owner: str, file_id: str) -> File | None:
        row = await self._table.get(table_key(owner), newest_first(file_id))
        return None if row is None else read_record(row.record, File)

    async def list(
        self, owner: str, *, purpose: str | None = None, after: str | None = None, limit: int, newest_first: bool = True
    ) -> list[File]:
        """Oldest first reads every row of the owner that is newer than `after`: tables have no descending order."""
        if purpose is not None and not _PURPOSE.fullmatch(purpose):  # No file has it, and a query may not hold it.
            return []
        find = self._newest if newest_first else self._oldest
        return await find(owner, {} if purpose is None else {"Purpose": purpose}, after, limit)

    async def _newest(self, owner: str, equal: dict[str, str], after: str | None, limit: int) -> builtins.list[File]:
        past = newest_first(after) if after else FIRST
        return await first_sound(self._table.query(table_key(owner), past=past, equal=equal, page=limit), File, limit)

    async def _oldest(self, owner: str, equal: dict[str, str], after: str | None, limit: int) -> builtins.list[File]:
        before = newest_first(after) if after else None
        files: deque[File] = deque(maxlen=limit)
        async for row in self._table.query(table_key(owner), before=before, equal=equal):
            if (file := read_if_sound(row.record, File, row.key)) is not None:
                files.appendleft(file)
        return list(files)

    async def delete(self, owner: str, file_id: str) -> bool:
        file = await self.get(owner, file_id)
        if file is None:
            return False
        deleted = await self._table.delete(table_key(owner), newest_first(file_id))
        if file.expires_at is not None:
            await self._table.delete(EXPIRY, expiry_key(file.expires_at, file.id, file.owner))
        return deleted

    def expired(self, now: datetime) -> AsyncIterator[File]:
        return expired_records(self._table, now, _Marker, File)

    async def every(self) -> AsyncIterator[File]:
        async for row in self._table.query_others(EXPIRY):
            yield read_record(row.record, File)
