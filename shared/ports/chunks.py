"""Chunk rows: who has a chunk, and what of it has finished."""

from __future__ import annotations

from typing import Protocol

from shared.domain.batches.chunk import ChunkRow
from shared.ports.base import Stored


class ChunkStore(Protocol):
    """The chunk rows of batches (compare-and-swap)."""

    async def put(self, row: ChunkRow, version: str | None) -> str:
        """Insert (`version` None) or replace the chunk's row; return its new version. Raises Changed."""
        ...

    async def get(self, batch_id: str, index: int) -> Stored[ChunkRow] | None: ...

    async def delete_all(self, batch_id: str) -> None:
        """Remove every chunk row of the batch, damaged ones too. May stop anywhere, and be repeated."""
        ...

    async def list(self, batch_id: str) -> list[ChunkRow]:
        """Every chunk row of the batch in order of index. Raises Damaged."""
        ...
