"""Batch records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from shared.domain.batches.batch import Batch
from shared.ports.base import Stored


class BatchStore(Protocol):
    """Batch records (compare-and-swap). Look-ups and lists never cross owners."""

    async def insert(self, batch: Batch) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None: ...

    async def replace(self, batch: Batch, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def delete(self, owner: str, *batch_ids: str) -> None:
        """Remove the records of batches that are settled, and so change no more. One that is not there is no error."""
        ...

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        """At most `limit` batches in order of id (which is order of creation), strictly past the id `after`.

        `after` is a position, not a look-up: any 32 hex digits will do.
        """
        ...

    def owing(self) -> AsyncIterator[Batch]:
        """Every batch of any owner in a terminal state that owes the ledger its usage; cost as for `unfinished`."""
        ...

    def unfinished(self) -> AsyncIterator[Batch]:
        """Every batch of any owner that is in no terminal state; cost grows with these, not with all batches."""
        ...
