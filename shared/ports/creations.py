"""Create calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from shared.domain.batches.creation import Creation
from shared.ports.base import Stored


class CreationStore(Protocol):
    """Create calls by name (compare-and-swap)."""

    async def get(self, name: str) -> Stored[Creation] | None: ...

    async def put(self, creation: Creation, version: str | None) -> None:
        """Insert (`version` None) or replace. Raises Changed."""
        ...

    def every(self) -> AsyncIterator[Creation]:
        """All of them, in no particular order; one written in the meantime may be left out."""
        ...

    async def delete(self, name: str) -> None:
        """Nothing happens if there is none."""
        ...
