"""Batch records, chunk rows and heartbeats in Table Storage.

Batches: partition = owner, row key = inverted id. Chunk rows: partition = batch. Heartbeats: partition = deployment.
A marker (partition `$unfinished`) is written before a batch's record and removed after its terminal state, so that
`unfinished` costs what is unfinished; markers that a crash left behind are cleaned on the way.
"""

from __future__ import annotations

import asyncio
import builtins
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from shared.azure.names import FIRST, UNFINISHED, Key, compound, newest_first, table_key, within
from shared.azure.tables import Table
from shared.domain.batch import Batch
from shared.domain.chunk import ChunkRow
from shared.domain.errors import Unavailable
from shared.domain.heartbeat import Heartbeat
from shared.ports import AlreadyExists, Changed, Stored

_INSERT_PATIENCE = timedelta(hours=1)
_READS_AT_ONCE = 16


class _Marker(msgspec.Struct, frozen=True):
    owner: str
    batch_id: str
    at: datetime


class TableBatches:
    """`BatchStore`."""

    def __init__(self, batches: Table, chunks: Table, lanes: Table) -> None:
        self._batches, self._chunks, self._lanes = batches, chunks, lanes

    async def insert(self, batch: Batch) -> None:
        if not batch.is_terminal:
            marker = msgspec.json.encode(_Marker(batch.owner, batch.id, datetime.now(UTC)))
            await self._batches.upsert(UNFINISHED, _marker_key(batch), marker)
        await self._batches.insert(table_key(batch.owner), newest_first(batch.id), msgspec.json.encode(batch))

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None:
        row = await self._batches.get(table_key(owner), newest_first(batch_id))
        return None if row is None else Stored(msgspec.json.decode(row.record, type=Batch), row.version)

    async def replace(self, batch: Batch, version: str) -> str:
        key, record = newest_first(batch.id), msgspec.json.encode(batch)
        new_version = await self._batches.replace(table_key(batch.owner), key, record, version)
        if batch.is_terminal:
            with suppress(Unavailable):  # The record is written; `unfinished` cleans what stays behind.
                await self._batches.delete(UNFINISHED, _marker_key(batch))
        return new_version

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        """Oldest first reads every row of the owner that is newer than `after`: tables have no descending order."""
        return await (self._newest if newest_first else self._oldest)(owner, after, limit)

    async def _newest(self, owner: str, after: str | None, limit: int) -> builtins.list[Batch]:
        batches: list[Batch] = []
        past = newest_first(after) if after else FIRST
        async for row in self._batches.query(table_key(owner), past=past, page=limit):
            batches.append(msgspec.json.decode(row.record, type=Batch))
            if len(batches) == limit:
                break
        return batches

    async def _oldest(self, owner: str, after: str | None, limit: int) -> builtins.list[Batch]:
        rows: deque[bytes] = deque(maxlen=limit)
        async for row in self._batches.query(table_key(owner), before=newest_first(after) if after else None):
            rows.appendleft(row.record)
        return [msgspec.json.decode(record, type=Batch) for record in rows]

    async def unfinished(self) -> AsyncIterator[Batch]:
        keys = [row async for row in self._batches.query(UNFINISHED)]
        for start in range(0, len(keys), _READS_AT_ONCE):
            some = keys[start : start + _READS_AT_ONCE]
            markers = [msgspec.json.decode(row.record, type=_Marker) for row in some]
            records = await asyncio.gather(*(self.get(marker.owner, marker.batch_id) for marker in markers))
            for row, marker, stored in zip(some, markers, records, strict=True):
                if stored is not None and not stored.value.is_terminal:
                    yield stored.value
                elif stored is not None or marker.at < datetime.now(UTC) - _INSERT_PATIENCE:
                    await self._batches.delete(UNFINISHED, row.key)

    async def put_chunk(self, row: ChunkRow, version: str | None) -> str:
        partition, key, record = table_key(row.batch_id), _chunk_key(row.index), msgspec.json.encode(row)
        if version is not None:
            return await self._chunks.replace(partition, key, record, version)
        try:
            return await self._chunks.insert(partition, key, record)
        except AlreadyExists as error:
            raise Changed("The chunk's row was written by someone else; read it.") from error

    async def get_chunk(self, batch_id: str, index: int) -> Stored[ChunkRow] | None:
        row = await self._chunks.get(table_key(batch_id), _chunk_key(index))
        return None if row is None else Stored(msgspec.json.decode(row.record, type=ChunkRow), row.version)

    async def list_chunks(self, batch_id: str) -> builtins.list[ChunkRow]:
        return [msgspec.json.decode(row.record, type=ChunkRow) async for row in self._chunks.query(table_key(batch_id))]

    async def beat(self, heartbeat: Heartbeat) -> None:
        record = msgspec.json.encode(heartbeat)
        key = _lane_key(heartbeat.batch_id, heartbeat.lane)
        await self._lanes.upsert(table_key(heartbeat.deployment), key, record)

    async def claim_lane(self, heartbeat: Heartbeat, version: str | None) -> None:
        partition, key = table_key(heartbeat.deployment), _lane_key(heartbeat.batch_id, heartbeat.lane)
        record = msgspec.json.encode(heartbeat)
        if version is not None:
            await self._lanes.replace(partition, key, record, version)
            return
        try:
            await self._lanes.insert(partition, key, record)
        except AlreadyExists as error:
            raise Changed("The lane's heartbeat was written by someone else; read it.") from error

    async def get_heartbeat(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None:
        row = await self._lanes.get(table_key(deployment), _lane_key(batch_id, lane))
        return None if row is None else Stored(msgspec.json.decode(row.record, type=Heartbeat), row.version)

    async def stop_beating(self, heartbeat: Heartbeat) -> None:
        key = _lane_key(heartbeat.batch_id, heartbeat.lane)
        await self._lanes.delete(table_key(heartbeat.deployment), key)

    async def heartbeats(self, deployment: str, batch_id: str | None = None) -> builtins.list[Heartbeat]:
        past, before = (FIRST, None) if batch_id is None else within(batch_id)
        rows = self._lanes.query(table_key(deployment), past=past, before=before)
        return [msgspec.json.decode(row.record, type=Heartbeat) async for row in rows]


def _marker_key(batch: Batch) -> Key:
    return compound(batch.id, batch.owner)


def _lane_key(batch_id: str, lane: int) -> Key:
    return compound(batch_id, f"{lane:04d}")


def _chunk_key(index: int) -> Key:
    return table_key(f"{index:06d}")
