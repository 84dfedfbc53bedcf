"""Deliveries in SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from local_host.stores.sqlite_rows import BEFORE_ALL_TIMES, conditional, find, insert, microseconds, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.webhooks.delivery import Delivery
from shared.ports.base import Stored
from shared.stored_records import read_if_sound

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY, due_us INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_due ON webhook_deliveries (due_us, id);
"""


class SqliteDeliveries:
    """`DeliveryStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, delivery: Delivery) -> None:
        values = (delivery.id, microseconds(delivery.due_at), 1, msgspec.json.encode(delivery))
        await self._database.write(lambda connection: insert(connection, "webhook_deliveries", values))

    async def get(self, delivery_id: str) -> Stored[Delivery] | None:
        query = "SELECT record, version FROM webhook_deliveries WHERE id = ?"
        return await find(self._database, query, (delivery_id,), Delivery)

    async def replace(self, delivery: Delivery, version: str) -> str:
        query = """UPDATE webhook_deliveries SET record = ?, due_us = ?, version = version + 1
                   WHERE id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(delivery), microseconds(delivery.due_at), delivery.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def delete(self, delivery: Delivery) -> None:
        query = "DELETE FROM webhook_deliveries WHERE id = ?"
        await self._database.write(lambda connection: connection.execute(query, (delivery.id,)).rowcount)

    async def due(self, now: datetime) -> AsyncIterator[Stored[Delivery]]:
        query = """SELECT due_us, id, version, record FROM webhook_deliveries
                   WHERE due_us <= ? AND (due_us, id) > (?, ?) ORDER BY due_us, id LIMIT ?"""
        rows = walk(self._database, query, microseconds(now), after=(BEFORE_ALL_TIMES, ""))
        async for _, delivery_id, version, record in rows:
            if (delivery := read_if_sound(record, Delivery, delivery_id)) is not None:
                yield Stored(delivery, str(version))
