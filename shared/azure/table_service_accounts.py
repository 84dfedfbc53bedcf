"""Service accounts in Table Storage: partition = project, row key = inverted id."""

from __future__ import annotations

import msgspec

from shared.azure.names import FIRST, newest_first, table_key
from shared.azure.tables import Table, first_sound
from shared.domain.keys.service_account import ServiceAccount
from shared.ports.base import Stored


class TableServiceAccounts:
    """`ServiceAccountStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, account: ServiceAccount) -> None:
        record = msgspec.json.encode(account)
        await self._table.insert(table_key(account.project_id), newest_first(account.id), record)

    async def get(self, project_id: str, account_id: str) -> Stored[ServiceAccount] | None:
        return await self._table.find(table_key(project_id), newest_first(account_id), ServiceAccount)

    async def replace(self, account: ServiceAccount, version: str) -> str:
        key, record = newest_first(account.id), msgspec.json.encode(account)
        return await self._table.replace(table_key(account.project_id), key, record, version)

    async def delete(self, project_id: str, account_id: str) -> bool:
        return await self._table.delete(table_key(project_id), newest_first(account_id))

    async def list(self, project_id: str, *, after: str | None = None, limit: int) -> list[ServiceAccount]:
        past = newest_first(after) if after else FIRST
        return await first_sound(self._table.query(table_key(project_id), past=past, page=limit), ServiceAccount, limit)
