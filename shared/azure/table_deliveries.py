"""Deliveries in Table Storage: partition = id.

A marker (partition `$due`, ordered by time) is written before a delivery's record and removed after the record has
moved on; markers that a crash left behind are cleaned when their time comes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from shared.azure.names import DUE, Key, compound, moment, table_key, until
from shared.azure.tables import Table
from shared.domain.errors import Damaged
from shared.domain.webhooks.delivery import Delivery
from shared.ports.base import Stored
from shared.stored_records import read_if_sound, tell_damaged

_INSERT_PATIENCE = timedelta(hours=1)
_KEY = table_key("delivery")


class _Marker(msgspec.Struct, frozen=True):
    delivery_id: str
    due_at: datetime


class TableDeliveries:
    """`DeliveryStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, delivery: Delivery) -> None:
        await self._mark(delivery)
        await self._table.insert(table_key(delivery.id), _KEY, msgspec.json.encode(delivery))

    async def get(self, delivery_id: str) -> Stored[Delivery] | None:
        return await self._table.find(table_key(delivery_id), _KEY, Delivery)

    async def replace(self, delivery: Delivery, version: str) -> str:
        """The marker of the time before stays until that time comes: `due` then finds it out of date."""
        await self._mark(delivery)
        return await self._table.replace(table_key(delivery.id), _KEY, msgspec.json.encode(delivery), version)

    async def delete(self, delivery: Delivery) -> None:
        await self._table.delete(table_key(delivery.id), _KEY)
        await self._table.delete(DUE, _marker_key(delivery))

    async def due(self, now: datetime) -> AsyncIterator[Stored[Delivery]]:
        async for row in self._table.query(DUE, before=until(now)):
            marker = read_if_sound(row.record, _Marker, row.key)
            if marker is None:
                continue
            try:
                stored = await self.get(marker.delivery_id)
            except Damaged:
                tell_damaged(Delivery, marker.delivery_id)
                continue
            if stored is not None and stored.value.due_at == marker.due_at:
                yield stored
            elif stored is not None or marker.due_at < now - _INSERT_PATIENCE:
                await self._table.delete(DUE, row.key)

    async def _mark(self, delivery: Delivery) -> None:
        marker = msgspec.json.encode(_Marker(delivery.id, delivery.due_at))
        await self._table.upsert(DUE, _marker_key(delivery), marker)


def _marker_key(delivery: Delivery) -> Key:
    return compound(moment(delivery.due_at), delivery.id)
