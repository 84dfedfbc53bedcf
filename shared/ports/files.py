"""File records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from shared.domain.files.file import File


class FileStore(Protocol):
    """File records. Lists and look-ups never cross owners."""

    async def insert(self, file: File) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, owner: str, file_id: str) -> File | None: ...

    async def list(
        self, owner: str, *, purpose: str | None = None, after: str | None = None, limit: int, newest_first: bool = True
    ) -> list[File]:
        """At most `limit` files in order of id (which is order of creation), strictly past the id `after`.

        `after` is a position, not a look-up: it works when that file is gone.
        """
        ...

    async def delete(self, owner: str, file_id: str) -> bool:
        """False if there was none."""
        ...

    def expired(self, now: datetime) -> AsyncIterator[File]:
        """Every file of any owner whose `expires_at` has passed."""
        ...

    def every(self) -> AsyncIterator[File]:
        """Every file of any owner, in no particular order; a file inserted in the meantime may be left out.

        Raises Damaged: what is not on it may be removed.
        """
        ...
