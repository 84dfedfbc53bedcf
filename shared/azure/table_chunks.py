"""Chunk rows in Table Storage: partition = batch, row key = index."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.azure.names import Key, table_key
from shared.azure.table_clearing import delete_some
from shared.azure.tables import Table
from shared.domain.batches.chunk import ChunkRow
from shared.ports.base import Stored
from shared.stored_records import read_record

_MOST: Final = 1000  # Rows at a time.


class TableChunks:
    """`ChunkStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def put(self, row: ChunkRow, version: str | None) -> str:
        record = msgspec.json.encode(row)
        return await self._table.put(table_key(row.batch_id), _chunk_key(row.index), record, version)

    async def get(self, batch_id: str, index: int) -> Stored[ChunkRow] | None:
        return await self._table.find(table_key(batch_id), _chunk_key(index), ChunkRow)

    async def delete_all(self, batch_id: str) -> None:
        partition = table_key(batch_id)
        while await delete_some(self._table, partition, Key(f"{partition}!"), _MOST) == _MOST:
            pass

    async def list(self, batch_id: str) -> list[ChunkRow]:
        return [read_record(row.record, ChunkRow) async for row in self._table.query(table_key(batch_id))]


def _chunk_key(index: int) -> Key:
    return table_key(f"{index:06d}")
