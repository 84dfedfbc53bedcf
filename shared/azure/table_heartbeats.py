"""Heartbeats in Table Storage: partition = deployment, row key = batch and lane."""

from __future__ import annotations

import msgspec

from shared.azure.names import FIRST, Key, compound, table_key, within
from shared.azure.tables import Table
from shared.domain.pace.heartbeat import Heartbeat
from shared.ports.base import Stored
from shared.stored_records import read_if_sound


class TableHeartbeats:
    """`HeartbeatStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def beat(self, heartbeat: Heartbeat) -> None:
        record = msgspec.json.encode(heartbeat)
        key = _lane_key(heartbeat.batch_id, heartbeat.lane)
        await self._table.upsert(table_key(heartbeat.deployment), key, record)

    async def claim(self, heartbeat: Heartbeat, version: str | None) -> None:
        partition, key = table_key(heartbeat.deployment), _lane_key(heartbeat.batch_id, heartbeat.lane)
        await self._table.put(partition, key, msgspec.json.encode(heartbeat), version)

    async def get(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None:
        row = await self._table.get(table_key(deployment), _lane_key(batch_id, lane))
        if row is None:
            return None
        beat = read_if_sound(row.record, Heartbeat, row.key)
        if beat is not None:
            return Stored(beat, row.version)
        await self._table.delete(table_key(deployment), row.key)  # The lane beats anew.
        return None

    async def stop(self, heartbeat: Heartbeat) -> None:
        key = _lane_key(heartbeat.batch_id, heartbeat.lane)
        await self._table.delete(table_key(heartbeat.deployment), key)

    async def list(self, deployment: str, batch_id: str | None = None) -> list[Heartbeat]:
        past, before = (FIRST, None) if batch_id is None else within(batch_id)
        rows = self._table.query(table_key(deployment), past=past, before=before)
        read = [read_if_sound(row.record, Heartbeat, row.key) async for row in rows]
        return [beat for beat in read if beat is not None]


def _lane_key(batch_id: str, lane: int) -> Key:
    return compound(batch_id, f"{lane:04d}")
