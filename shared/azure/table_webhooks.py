"""Webhook endpoints and deliveries in Table Storage.

Endpoints: partition = owner, row key = inverted id. Deliveries: partition = id. A marker (partition `$due`, ordered by
time) is written before a delivery's record and removed after the record has moved on; markers that a crash left behind
are cleaned when their time comes.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from shared.azure.names import DUE, FIRST, Key, compound, moment, newest_first, table_key, until
from shared.azure.tables import Table
from shared.domain.errors import Damaged
from shared.domain.webhooks.delivery import Delivery
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.ports import Stored
from shared.stored_records import read_if_sound, read_record, tell_damaged

_INSERT_PATIENCE = timedelta(hours=1)
_KEY = table_key("delivery")


class _Marker(msgspec.Struct, frozen=True):
    delivery_id: str
    due_at: datetime


class TableWebhooks:
    """`WebhookStore`."""

    def __init__(self, endpoints: Table, deliveries: Table) -> None:
        self._endpoints, self._deliveries = endpoints, deliveries

    async def insert_endpoint(self, endpoint: WebhookEndpoint) -> None:
        record = msgspec.json.encode(endpoint)
        await self._endpoints.insert(table_key(endpoint.owner), newest_first(endpoint.id), record)

    async def get_endpoint(self, owner: str, endpoint_id: str) -> Stored[WebhookEndpoint] | None:
        row = await self._endpoints.get(table_key(owner), newest_first(endpoint_id))
        return None if row is None else Stored(read_record(row.record, WebhookEndpoint), row.version)

    async def replace_endpoint(self, endpoint: WebhookEndpoint, version: str) -> str:
        key, record = newest_first(endpoint.id), msgspec.json.encode(endpoint)
        return await self._endpoints.replace(table_key(endpoint.owner), key, record, version)

    async def delete_endpoint(self, owner: str, endpoint_id: str) -> bool:
        return await self._endpoints.delete(table_key(owner), newest_first(endpoint_id))

    async def list_endpoints(
        self, owner: str, *, after: str | None = None, limit: int
    ) -> builtins.list[WebhookEndpoint]:
        endpoints: list[WebhookEndpoint] = []
        past = newest_first(after) if after else FIRST
        async for row in self._endpoints.query(table_key(owner), past=past, page=limit):
            if (endpoint := read_if_sound(row.record, WebhookEndpoint, row.key)) is not None:
                endpoints.append(endpoint)
            if len(endpoints) == limit:
                break
        return endpoints

    async def insert_delivery(self, delivery: Delivery) -> None:
        await self._mark(delivery)
        await self._deliveries.insert(table_key(delivery.id), _KEY, msgspec.json.encode(delivery))

    async def get_delivery(self, delivery_id: str) -> Stored[Delivery] | None:
        row = await self._deliveries.get(table_key(delivery_id), _KEY)
        return None if row is None else Stored(read_record(row.record, Delivery), row.version)

    async def replace_delivery(self, delivery: Delivery, version: str) -> str:
        """The marker of the time before stays until that time comes: `due_deliveries` then finds it out of date."""
        await self._mark(delivery)
        return await self._deliveries.replace(table_key(delivery.id), _KEY, msgspec.json.encode(delivery), version)

    async def delete_delivery(self, delivery: Delivery) -> None:
        await self._deliveries.delete(table_key(delivery.id), _KEY)
        await self._deliveries.delete(DUE, _marker_key(delivery))

    async def due_deliveries(self, now: datetime) -> AsyncIterator[Stored[Delivery]]:
        async for row in self._deliveries.query(DUE, before=until(now)):
            marker = read_if_sound(row.record, _Marker, row.key)
            if marker is None:
                continue
            try:
                stored = await self.get_delivery(marker.delivery_id)
            except Damaged:
                tell_damaged(Delivery, marker.delivery_id)
                continue
            if stored is not None and stored.value.due_at == marker.due_at:
                yield stored
            elif stored is not None or marker.due_at < now - _INSERT_PATIENCE:
                await self._deliveries.delete(DUE, row.key)

    async def _mark(self, delivery: Delivery) -> None:
        marker = msgspec.json.encode(_Marker(delivery.id, delivery.due_at))
        await self._deliveries.upsert(DUE, _marker_key(delivery), marker)


def _marker_key(delivery: Delivery) -> Key:
    return compound(moment(delivery.due_at), delivery.id)
