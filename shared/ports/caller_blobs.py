"""Bytes in callers' own storage accounts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import msgspec


class BlobVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a caller's blob: another `etag`, other bytes. `size` in bytes."""

    etag: str
    size: int


class CallerBlobs(Protocol):
    """Blobs in callers' own storage accounts, by URL. URLs are those that `shared.domain.files.blob_address` let pass.

    Containers of the service itself are refused. Every method raises BlobMissing, AccessDenied or Unavailable.
    """

    async def look(self, url: str) -> BlobVersion: ...

    def read(self, url: str, version: BlobVersion) -> AsyncGenerator[bytes, None]:
        """All bytes of that version, in pieces of at most 4 MiB. Raises Changed if it is another by now."""
        ...

    async def write(self, url: str, pieces: AsyncIterator[bytes]) -> None:
        """Make the blob consist of `pieces` (each 1 byte to 100 MiB; none: an empty blob), replacing what was there.

        Until it returns, what was there stays.
        """
        ...
