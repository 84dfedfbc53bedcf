"""Webhook endpoints in SQLite."""

from __future__ import annotations

import builtins

import msgspec

from local_host.stores.sqlite_rows import AFTER_ALL_IDS, conditional, find, insert
from local_host.stores.store_database import StoreDatabase
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports.base import Stored
from shared.stored_records import sound_page

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_endpoints (
    owner TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, record BLOB NOT NULL,
    PRIMARY KEY (owner, id)
);
"""


class SqliteWebhookEndpoints:
    """`WebhookEndpointStore`. A version is the count of writes so far."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def insert(self, endpoint: WebhookEndpoint) -> None:
        values = (endpoint.owner, endpoint.id, 1, msgspec.json.encode(endpoint))
        await self._database.write(lambda connection: insert(connection, "webhook_endpoints", values))

    async def get(self, owner: str, endpoint_id: str) -> Stored[WebhookEndpoint] | None:
        query = "SELECT record, version FROM webhook_endpoints WHERE owner = ? AND id = ?"
        return await find(self._database, query, (owner, endpoint_id), WebhookEndpoint)

    async def replace(self, endpoint: WebhookEndpoint, version: str) -> str:
        query = """UPDATE webhook_endpoints SET record = ?, version = version + 1
                   WHERE owner = ? AND id = ? AND version = ? RETURNING version"""
        values = (msgspec.json.encode(endpoint), endpoint.owner, endpoint.id, int(version))
        return await self._database.write(lambda connection: conditional(connection, query, values))

    async def delete(self, owner: str, endpoint_id: str) -> bool:
        query = "DELETE FROM webhook_endpoints WHERE owner = ? AND id = ?"
        values = (owner, endpoint_id)
        return await self._database.write(lambda connection: connection.execute(query, values).rowcount > 0)

    async def list(self, owner: str, *, after: str | None = None, limit: int) -> builtins.list[WebhookEndpoint]:
        query = "SELECT id, record FROM webhook_endpoints WHERE owner = ? AND id < ? ORDER BY id DESC LIMIT ?"

        async def fetch(position: str | None, count: int) -> builtins.list[tuple[str, bytes]]:
            values = (owner, position or AFTER_ALL_IDS, count)
            return await self._database.read(lambda connection: connection.execute(query, values).fetchall())

        return await sound_page(fetch, WebhookEndpoint, after, limit)
