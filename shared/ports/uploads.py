"""Uploads in parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from shared.domain.files.upload import Upload, UploadPart
from shared.ports.base import Stored


class UploadStore(Protocol):
    """Uploads in parts (compare-and-swap) and their parts. Look-ups of uploads never cross owners."""

    async def insert(self, upload: Upload) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, owner: str, upload_id: str) -> Stored[Upload] | None: ...

    async def replace(self, upload: Upload, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed.

        `expires_at` never changes.
        """
        ...

    async def put_part(self, part: UploadPart) -> None:
        """Insert or replace the part; whether its upload exists is not looked at."""
        ...

    async def list_parts(self, upload_id: str) -> list[UploadPart]:
        """Every part of the upload in order of id; sees each `put_part` that returned before the call.

        Raises Damaged.
        """
        ...

    async def delete_part(self, part: UploadPart) -> None:
        """Remove the part; nothing happens if there is none."""
        ...

    async def delete(self, upload: Upload) -> bool:
        """Remove the record and its parts. False if there was no record."""
        ...

    def expired(self, now: datetime) -> AsyncIterator[Upload]:
        """Every upload of any owner and in any status whose `expires_at` has passed, until it is deleted."""
        ...
