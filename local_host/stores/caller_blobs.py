"""Callers' own blobs on the local host: storage accounts reached as the platform would reach them, once one is named.

There is no local form of them: a URL is a URL. Only the start-up cost differs, so the Azure SDK is loaded late.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from shared.ports.caller_blobs import BlobVersion, CallerBlobs


class LateCallerBlobs:
    """`CallerBlobs` that come to be at their first use, from the settings that begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._made: CallerBlobs | None = None

    async def look(self, url: str) -> BlobVersion:
        return await self._blobs().look(url)

    async def read(self, url: str, version: BlobVersion) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._blobs().read(url, version)) as pieces:
            async for piece in pieces:
                yield piece

    async def write(self, url: str, pieces: AsyncIterator[bytes]) -> None:
        await self._blobs().write(url, pieces)

    def _blobs(self) -> CallerBlobs:
        if self._made is None:
            from shared.azure.connect import azure_caller_blobs

            self._made = azure_caller_blobs(self._prefix)
        return self._made
