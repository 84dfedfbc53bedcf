"""A caller's storage account in memory, whose moods a test decides."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from shared.ports.base import BlobMissing, Changed
from shared.ports.caller_blobs import BlobVersion

HOST = "acct.blob.core.windows.net"
URL = f"https://{HOST}/box/in.jsonl"
FOLDER = f"https://{HOST}/out"


class FakeCallerBlobs:
    """`CallerBlobs`. `before` is called with what is about to be done, and may raise or change anything."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.piece_bytes = 100
        self.before: Callable[[str], None] = lambda deed: None
        self.deeds: list[str] = []

    async def look(self, url: str) -> BlobVersion:
        self._do("look")
        return self._version(url)

    async def read(self, url: str, version: BlobVersion) -> AsyncGenerator[bytes, None]:
        for start in range(0, version.size, self.piece_bytes):
            self._do("read")
            if self._version(url) != version:
                raise Changed(url)
            yield self.data[url][start : start + self.piece_bytes]

    async def write(self, url: str, pieces: AsyncIterator[bytes]) -> None:
        data = b"".join([piece async for piece in pieces])
        self._do("write")
        self.data[url] = data

    def _do(self, deed: str) -> None:
        self.deeds.append(deed)
        self.before(deed)

    def _version(self, url: str) -> BlobVersion:
        if url not in self.data:
            raise BlobMissing(url)
        return BlobVersion(etag=str(hash(self.data[url])), size=len(self.data[url]))
