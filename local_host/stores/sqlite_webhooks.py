"""Webhook endpoints and deliveries in SQLite, as `sqlite_records` keeps files and batches.

Passes the conformance suite of `shared.ports` (tests/contracts). Holds no rule of the product.
"""

from __future__ import annotations

import builtins
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec

from local_host.stores.store_database import StoreDatabase
from shared.domain.webhooks.delivery import Delivery
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports import AlreadyExists, Changed, Stored
from shared.stored_records import read_if_sound, read_record, sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_endpoints (
    owner TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY, due_us INTEGER NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_by_due ON webhook_deliveries (due_us, id);
"""

_PAGE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_ALL_IDS = "g"  # Past every hex digit.


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


class SqliteWebhooks:
    """`WebhookStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert_endpoint(self, endpoint: WebhookEndpoint) -> None:
        query = "INSERT OR IGNORE INTO webhook_endpoints VALUES (?, ?, 1, ?)"
        values = (endpoint.owner, endpoint.id, msgspec.json.encode(endpoint))
        await self._database.write(lambda connection: _insert(connection, query, values))

    async def get_endpoint(self, owner: str, endpoint_id: str) -> Stored[WebhookEndpoint] | None:
        query = "SELECT record, version FROM webhook_endpoints WHERE owner = ? AND id = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (owner, endpoint_id)).fetchone())
        return None if row is None else Stored(read_record(row[0], WebhookEndpoint), str(row[1]))

    async def replace_endpoint(self, endpoint: WebhookEndpoint, version: str) -> str:
        query = """UPDATE webhook_endpoints SET record = ?, version = version + 1
                   WHERE owner = ? AND id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(endpoint), endpoint.owner, endpoint.id, int(version))
        return await self._database.write(lambda connection: _conditional(connection, query, values))

    async def delete_endpoint(self, owner: str, endpoint_id: str) -> bool:
        query = "DELETE FROM webhook_endpoints WHERE owner = ? AND id = ?"
        values = (owner, endpoint_id)
        return await self._database.write(lambda connection: connection.execute(query, values).rowcount > 0)

    async def list_endpoints(
        self, owner: str, *, after: str | None = None, limit: int
    ) -> builtins.list[WebhookEndpoint]:
        query = "SELECT id, record FROM webhook_endpoints WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (owner, position or _AFTER_ALL_IDS, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, WebhookEndpoint, after, limit)

    async def insert_delivery(self, delivery: Delivery) -> None:
        query = "INSERT OR IGNORE INTO webhook_deliveries VALUES (?, ?, 1, ?)"
        values = (delivery.id, _microseconds(delivery.due_at), msgspec.json.encode(delivery))
        await self._database.write(lambda connection: _insert(connection, query, values))

    async def get_delivery(self, delivery_id: str) -> Stored[Delivery] | None:
        query = "SELECT record, version FROM webhook_deliveries WHERE id = ?"
        row = await self._database.read(lambda connection: connection.execute(query, (delivery_id,)).fetchone())
        return None if row is None else Stored(read_record(row[0], Delivery), str(row[1]))

    async def replace_delivery(self, delivery: Delivery, version: str) -> str:
        query = """UPDATE webhook_deliveries SET record = ?, due_us = ?, version = version + 1
                   WHERE id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(delivery), _microseconds(delivery.due_at), delivery.id, int(version))
        return await self._database.write(lambda connection: _conditional(connection, query, values))

    async def delete_delivery(self, delivery: Delivery) -> None:
        query = "DELETE FROM webhook_deliveries WHERE id = ?"
        await self._database.write(lambda connection: connection.execute(query, (delivery.id,)).rowcount)

    async def due_deliveries(self, now: datetime) -> AsyncIterator[Stored[Delivery]]:
        query = """SELECT due_us, id, version, record FROM webhook_deliveries
                   WHERE due_us <= ? AND (due_us, id) > (?, ?) ORDER BY due_us, id LIMIT ?"""
        position: tuple[int, str] = (-(1 << 62), "")
        while True:
            values = (_microseconds(now), *position, _PAGE)
            rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())  # noqa: B023
            for due_us, delivery_id, version, record in rows:
                position = (due_us, delivery_id)
                if (delivery := read_if_sound(record, Delivery, delivery_id)) is not None:
                    yield Stored(delivery, str(version))
            if len(rows) < _PAGE:
                return


def _insert(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> None:
    if connection.execute(query, values).rowcount == 0:
        raise AlreadyExists("The id is taken.")


def _conditional(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> str:
    rows = connection.execute(query, values).fetchall()
    if not rows:
        raise Changed("The record was changed by someone else since it was read; read it again.")
    return str(rows[0][0])
