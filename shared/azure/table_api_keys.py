"""API keys in Table Storage: each a partition of its own, named by its inverted id, and so is the row in it.

A key is found by its id alone, and made-up ids load no partition that others need. A list reads the whole table, in
order of partition: there are thousands of keys at most, and it is rare.
"""

from __future__ import annotations

import msgspec

from shared.azure.names import FIRST, newest_first, table_key
from shared.azure.tables import Table, first_sound
from shared.domain.keys.api_key import ApiKey
from shared.ports.base import Stored

_ADMINISTRATORS = "$administrators"  # In the column of projects, whose keys never begin so.


class TableApiKeys:
    """`ApiKeyStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, key: ApiKey) -> None:
        place, record = newest_first(key.id), msgspec.json.encode(key)
        await self._table.insert(place, place, record, Project=_column(key.project_id))

    async def get(self, key_id: str) -> Stored[ApiKey] | None:
        return await self._table.find(newest_first(key_id), newest_first(key_id), ApiKey)

    async def replace(self, key: ApiKey, version: str) -> str:
        place, record = newest_first(key.id), msgspec.json.encode(key)
        return await self._table.replace(place, place, record, version, Project=_column(key.project_id))

    async def delete(self, key_id: str) -> bool:
        return await self._table.delete(newest_first(key_id), newest_first(key_id))

    async def list(self, project_id: str | None, *, after: str | None = None, limit: int) -> list[ApiKey]:
        past = newest_first(after) if after else FIRST
        rows = self._table.query_all(past=past, equal={"Project": _column(project_id)}, page=limit)
        return await first_sound(rows, ApiKey, limit)


def _column(project_id: str | None) -> str:
    return _ADMINISTRATORS if project_id is None else table_key(project_id)
