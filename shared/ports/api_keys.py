"""API keys, found by the id that is part of a key's text."""

from __future__ import annotations

from typing import Protocol

from shared.domain.keys.api_key import ApiKey
from shared.ports.base import Stored


class ApiKeyStore(Protocol):
    """API keys (compare-and-swap)."""

    async def insert(self, key: ApiKey) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, key_id: str) -> Stored[ApiKey] | None:
        """One point read: every call that is not in a cache begins with it."""
        ...

    async def replace(self, key: ApiKey, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete(self, key_id: str) -> bool:
        """False if there was none."""
        ...

    async def list(self, project_id: str | None, *, after: str | None = None, limit: int) -> list[ApiKey]:
        """At most `limit` keys of a project, or for None of administrators; newest first (descending id), strictly past
        the id `after` (a position)."""
        ...
