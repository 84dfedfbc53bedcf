"""The organization: one record."""

from __future__ import annotations

from typing import Protocol

from shared.domain.keys.organization import Organization
from shared.ports.base import Stored


class OrganizationStore(Protocol):
    """One record (compare-and-swap)."""

    async def insert(self, organization: Organization) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self) -> Stored[Organization] | None:
        """One point read."""
        ...

    async def replace(self, organization: Organization, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...
