"""Webhook endpoints in Table Storage: partition = owner, row key = inverted id."""

from __future__ import annotations

import msgspec

from shared.azure.names import FIRST, newest_first, table_key
from shared.azure.tables import Table, first_sound
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports.base import Stored


class TableWebhookEndpoints:
    """`WebhookEndpointStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, endpoint: WebhookEndpoint) -> None:
        record = msgspec.json.encode(endpoint)
        await self._table.insert(table_key(endpoint.owner), newest_first(endpoint.id), record)

    async def get(self, owner: str, endpoint_id: str) -> Stored[WebhookEndpoint] | None:
        return await self._table.find(table_key(owner), newest_first(endpoint_id), WebhookEndpoint)

    async def replace(self, endpoint: WebhookEndpoint, version: str) -> str:
        key, record = newest_first(endpoint.id), msgspec.json.encode(endpoint)
        return await self._table.replace(table_key(endpoint.owner), key, record, version)

    async def delete(self, owner: str, endpoint_id: str) -> bool:
        return await self._table.delete(table_key(owner), newest_first(endpoint_id))

    async def list(self, owner: str, *, after: str | None = None, limit: int) -> list[WebhookEndpoint]:
        past = newest_first(after) if after else FIRST
        return await first_sound(self._table.query(table_key(owner), past=past, page=limit), WebhookEndpoint, limit)
