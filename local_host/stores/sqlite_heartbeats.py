"""Heartbeats in SQLite."""

from __future__ import annotations

import msgspec

from local_host.stores.sqlite_rows import conditional
from local_host.stores.store_database import StoreDatabase
from shared.domain.pace.heartbeat import Heartbeat
from shared.ports.base import Stored
from shared.stored_records import read_if_sound

SCHEMA = """
CREATE TABLE IF NOT EXISTS heartbeats (
    deployment TEXT NOT NULL, batch_id TEXT NOT NULL, lane INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (deployment, batch_id, lane)
) WITHOUT ROWID;
"""


class SqliteHeartbeats:
    """`HeartbeatStore`. A version is the record itself: no two beats are the same."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def beat(self, heartbeat: Heartbeat) -> None:
        query = "INSERT OR REPLACE INTO heartbeats VALUES (?, ?, ?, ?)"
        values = (heartbeat.deployment, heartbeat.batch_id, heartbeat.lane, msgspec.json.encode(heartbeat))
        await self._database.write(lambda connection: connection.execute(query, values).rowcount)

    async def claim(self, heartbeat: Heartbeat, version: str | None) -> None:
        record = msgspec.json.encode(heartbeat)
        key = (heartbeat.deployment, heartbeat.batch_id, heartbeat.lane)
        if version is None:
            query = "INSERT OR IGNORE INTO heartbeats VALUES (?, ?, ?, ?) RETURNING lane"
            values: tuple[object, ...] = (*key, record)
        else:
            query = """UPDATE heartbeats SET record = ?
                       WHERE deployment = ? AND batch_id = ? AND lane = ? AND record = ? RETURNING lane"""
            values = (record, *key, version.encode())
        await self._database.write(lambda connection: conditional(connection, query, values))

    async def get(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None:
        query = "SELECT record FROM heartbeats WHERE deployment = ? AND batch_id = ? AND lane = ?"
        key = (deployment, batch_id, lane)
        row = await self._database.read(lambda connection: connection.execute(query, key).fetchone())
        if row is None:
            return None
        beat = read_if_sound(row[0], Heartbeat, batch_id)
        if beat is not None:
            return Stored(beat, row[0].decode())
        await self._stop(key)  # The lane beats anew.
        return None

    async def stop(self, heartbeat: Heartbeat) -> None:
        await self._stop((heartbeat.deployment, heartbeat.batch_id, heartbeat.lane))

    async def _stop(self, key: tuple[str, str, int]) -> None:
        query = "DELETE FROM heartbeats WHERE deployment = ? AND batch_id = ? AND lane = ?"
        await self._database.write(lambda connection: connection.execute(query, key).rowcount)

    async def list(self, deployment: str, batch_id: str | None = None) -> list[Heartbeat]:
        condition = "" if batch_id is None else "AND batch_id = ?"
        query = f"SELECT record, batch_id FROM heartbeats WHERE deployment = ? {condition} ORDER BY batch_id, lane"
        values = (deployment,) if batch_id is None else (deployment, batch_id)
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        read = [read_if_sound(record, Heartbeat, of_batch) for record, of_batch in rows]
        return [beat for beat in read if beat is not None]
