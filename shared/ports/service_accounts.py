"""Service accounts of projects."""

from __future__ import annotations

from typing import Protocol

from shared.domain.keys.service_account import ServiceAccount
from shared.ports.base import Stored


class ServiceAccountStore(Protocol):
    """Service accounts (compare-and-swap). Look-ups and lists never cross projects."""

    async def insert(self, account: ServiceAccount) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, project_id: str, account_id: str) -> Stored[ServiceAccount] | None: ...

    async def replace(self, account: ServiceAccount, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete(self, project_id: str, account_id: str) -> bool:
        """False if there was none."""
        ...

    async def list(self, project_id: str, *, after: str | None = None, limit: int) -> list[ServiceAccount]:
        """At most `limit` accounts, newest first (descending id), strictly past the id `after` (a position)."""
        ...
