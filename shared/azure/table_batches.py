"""Batch records in Table Storage: partition = owner, row key = inverted id.

A marker (partition `$unfinished`) is written before a batch's record and removed when it is settled, so that
`unfinished` and `owing` cost what is not; markers that a crash left behind are cleaned on the way.
"""

from __future__ import annotations

import asyncio
import builtins
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from shared.azure.names import FIRST, UNFINISHED, Key, compound, newest_first, table_key
from shared.azure.table_clearing import delete_rows
from shared.azure.tables import Row, Table, first_sound
from shared.domain.batches.batch import Batch
from shared.domain.errors import Damaged, Unavailable
from shared.ports.base import Stored
from shared.stored_records import read_if_sound, tell_damaged

_INSERT_PATIENCE = timedelta(hours=1)
_READS_AT_ONCE = 16


class _Marker(msgspec.Struct, frozen=True):
    owner: str
    batch_id: str
    at: datetime


class TableBatches:
    """`BatchStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, batch: Batch) -> None:
        if not batch.is_settled:
            marker = msgspec.json.encode(_Marker(batch.owner, batch.id, datetime.now(UTC)))
            await self._table.upsert(UNFINISHED, _marker_key(batch), marker)
        await self._table.insert(table_key(batch.owner), newest_first(batch.id), msgspec.json.encode(batch))

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None:
        return await self._table.find(table_key(owner), newest_first(batch_id), Batch)

    async def replace(self, batch: Batch, version: str) -> str:
        key, record = newest_first(batch.id), msgspec.json.encode(batch)
        new_version = await self._table.replace(table_key(batch.owner), key, record, version)
        if batch.is_settled:
            with suppress(Unavailable):  # The record is written; `unfinished` cleans what stays behind.
                await self._table.delete(UNFINISHED, _marker_key(batch))
        return new_version

    async def delete(self, owner: str, *batch_ids: str) -> None:
        await delete_rows(self._table, table_key(owner), [newest_first(batch_id) for batch_id in batch_ids])

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        """Oldest first reads every row of the owner that is newer than `after`: tables have no descending order."""
        return await (self._newest if newest_first else self._oldest)(owner, after, limit)

    async def _newest(self, owner: str, after: str | None, limit: int) -> builtins.list[Batch]:
        past = newest_first(after) if after else FIRST
        return await first_sound(self._table.query(table_key(owner), past=past, page=limit), Batch, limit)

    async def _oldest(self, owner: str, after: str | None, limit: int) -> builtins.list[Batch]:
        batches: deque[Batch] = deque(maxlen=limit)
        async for row in self._table.query(table_key(owner), before=newest_first(after) if after else None):
            if (batch := read_if_sound(row.record, Batch, row.key)) is not None:
                batches.appendleft(batch)
        return list(batches)

    async def owing(self) -> AsyncIterator[Batch]:
        async for batch in self._unsettled():
            if batch.is_terminal:
                yield batch

    async def unfinished(self) -> AsyncIterator[Batch]:
        async for batch in self._unsettled():
            if not batch.is_terminal:
                yield batch

    async def _unsettled(self) -> AsyncIterator[Batch]:
        keys = [row async for row in self._table.query(UNFINISHED)]
        for start in range(0, len(keys), _READS_AT_ONCE):
            looks = (self._marked(row) for row in keys[start : start + _READS_AT_ONCE])
            for batch in await asyncio.gather(*looks):
                if batch is not None:
                    yield batch

    async def _marked(self, row: Row) -> Batch | None:
        """The batch of a marker; None if there is nothing to do, and then the marker goes in time."""
        marker = read_if_sound(row.record, _Marker, row.key)
        if marker is None:
            return None
        try:
            stored = await self.get(marker.owner, marker.batch_id)
        except Damaged:
            tell_damaged(Batch, marker.batch_id)
            return None
        if stored is not None and not stored.value.is_settled:
            return stored.value
        if stored is not None or marker.at < datetime.now(UTC) - _INSERT_PATIENCE:
            await self._table.delete(UNFINISHED, row.key)
        return None


def _marker_key(batch: Batch) -> Key:
    return compound(batch.id, batch.owner)
