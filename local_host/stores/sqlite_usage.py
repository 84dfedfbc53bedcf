"""The ledger and its rollups in SQLite."""

from __future__ import annotations

import builtins
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from local_host.stores.sqlite_rows import conditional, find, microseconds, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.usage.ledger import LedgerHour, LedgerRow, Rollup, Width
from shared.ports.base import Stored
from shared.stored_records import read_record

SCHEMA = """
CREATE TABLE IF NOT EXISTS usage_rows (
    hour_us INTEGER NOT NULL, project TEXT NOT NULL, batch_id TEXT NOT NULL, chunk INTEGER NOT NULL,
    record BLOB NOT NULL, PRIMARY KEY (hour_us, project, batch_id, chunk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage_hours_due (
    hour_us INTEGER NOT NULL, project TEXT NOT NULL, version TEXT NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (hour_us, project)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS usage_rollups (
    width TEXT NOT NULL, start_us INTEGER NOT NULL, project TEXT NOT NULL, version INTEGER NOT NULL,
    record BLOB NOT NULL, PRIMARY KEY (width, start_us, project)
) WITHOUT ROWID;
"""


class SqliteUsage:
    """`UsageStore`. A rollup's version is the count of writes so far; that of an hour that is due is random."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def write(self, rows: Sequence[LedgerRow]) -> None:
        await self._database.write(lambda connection: _write(connection, rows))

    async def rows(self, hour: datetime, project: str | None = None) -> AsyncIterator[LedgerRow]:
        query = """SELECT project, batch_id, chunk, record FROM usage_rows
                   WHERE hour_us = ? AND ? IN (project, '') AND (project, batch_id, chunk) > (?, ?, ?)
                   ORDER BY project, batch_id, chunk LIMIT ?"""
        values = (microseconds(hour), project or "")
        async for *_, record in walk(self._database, query, *values, after=(project or "", "", 0)):
            yield read_record(record, LedgerRow)

    async def forget(self, before: datetime, most: int) -> int:
        query = """DELETE FROM usage_rows WHERE (hour_us, project, batch_id, chunk) IN (
                   SELECT hour_us, project, batch_id, chunk FROM usage_rows WHERE hour_us < ?
                   ORDER BY hour_us, project, batch_id, chunk LIMIT ?)"""
        values = (microseconds(before), most)
        return await self._database.write(lambda connection: connection.execute(query, values).rowcount)

    async def due(self) -> builtins.list[Stored[LedgerHour]]:
        query = "SELECT record, version FROM usage_hours_due ORDER BY hour_us, project"
        rows = await self._database.read(lambda connection: connection.execute(query).fetchall())
        return [Stored(read_record(record, LedgerHour), version) for record, version in rows]

    async def settle(self, hour: LedgerHour, version: str) -> None:
        query = "DELETE FROM usage_hours_due WHERE hour_us = ? AND project = ? AND version = ?"
        values = (microseconds(hour.start), hour.project, version)
        await self._database.write(lambda connection: connection.execute(query, values).rowcount)

    async def rollup(self, project: str, width: Width, start: datetime) -> Stored[Rollup] | None:
        query = "SELECT record, version FROM usage_rollups WHERE width = ? AND start_us = ? AND project = ?"
        return await find(self._database, query, (width, microseconds(start), project), Rollup)

    async def put_rollup(self, rollup: Rollup, version: str | None) -> None:
        record, key = msgspec.json.encode(rollup), (rollup.width, microseconds(rollup.start), rollup.project)
        if version is None:
            query = "INSERT OR IGNORE INTO usage_rollups VALUES (?, ?, ?, 1, ?) RETURNING version"
            values: tuple[object, ...] = (*key, record)
        else:
            query = """UPDATE usage_rollups SET record = ?, version = version + 1
                       WHERE width = ? AND start_us = ? AND project = ? AND version = ? RETURNING version"""
            values = (record, *key, int(version))
        await self._database.write(lambda connection: conditional(connection, query, values))

    async def rollups(
        self, width: Width, first: datetime, until: datetime, project: str | None = None
    ) -> AsyncIterator[Rollup]:
        query = """SELECT start_us, project, record FROM usage_rollups
                   WHERE width = ? AND start_us < ? AND ? IN (project, '') AND (start_us, project) > (?, ?)
                   ORDER BY start_us, project LIMIT ?"""
        values = (width, microseconds(until), project or "")
        async for *_, record in walk(self._database, query, *values, after=(microseconds(first), "")):
            yield read_record(record, Rollup)


def _write(connection: sqlite3.Connection, rows: Sequence[LedgerRow]) -> None:
    hour = rows[0].hour
    key = (microseconds(hour.start), hour.project)
    values = [(*key, row.batch_id, row.chunk, msgspec.json.encode(row)) for row in rows]
    connection.executemany("INSERT OR REPLACE INTO usage_rows VALUES (?, ?, ?, ?, ?)", values)
    mark = (*key, os.urandom(8).hex(), msgspec.json.encode(hour))
    connection.execute("INSERT OR REPLACE INTO usage_hours_due VALUES (?, ?, ?, ?)", mark)
