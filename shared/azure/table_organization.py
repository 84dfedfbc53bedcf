"""The organization in Table Storage: one row."""

from __future__ import annotations

import msgspec

from shared.azure.names import table_key
from shared.azure.tables import Table
from shared.domain.keys.organization import Organization
from shared.ports.base import Stored

_KEY = table_key("organization")


class TableOrganization:
    """`OrganizationStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def insert(self, organization: Organization) -> None:
        await self._table.insert(_KEY, _KEY, msgspec.json.encode(organization))

    async def get(self) -> Stored[Organization] | None:
        return await self._table.find(_KEY, _KEY, Organization)

    async def replace(self, organization: Organization, version: str) -> str:
        return await self._table.replace(_KEY, _KEY, msgspec.json.encode(organization), version)
