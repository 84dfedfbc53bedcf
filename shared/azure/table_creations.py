"""Create calls in Table Storage: one partition, which a sweep reads as a whole; row key = name, a digest."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from shared.azure.names import table_key
from shared.azure.tables import Table
from shared.domain.batches.creation import Creation
from shared.ports.base import Stored
from shared.stored_records import read_if_sound

_PARTITION = table_key("creations")


class TableCreations:
    """`CreationStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def get(self, name: str) -> Stored[Creation] | None:
        return await self._table.find(_PARTITION, table_key(name), Creation)

    async def put(self, creation: Creation, version: str | None) -> None:
        await self._table.put(_PARTITION, table_key(creation.name), msgspec.json.encode(creation), version)

    async def every(self) -> AsyncIterator[Creation]:
        async for row in self._table.query(_PARTITION):
            if (creation := read_if_sound(row.record, Creation, row.key)) is not None:
                yield creation

    async def delete(self, name: str) -> None:
        await self._table.delete(_PARTITION, table_key(name))
