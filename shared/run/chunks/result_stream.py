"""Result lines on their way into a blob, as blocks of bounded size."""

from __future__ import annotations

from collections.abc import Callable

from shared.ports.blobs import BlobStore
from shared.run.repeated import repeated

BLOCK_BYTES = 4 * 1024 * 1024


class ResultStream:
    """Stages blocks of up to BLOCK_BYTES under the ids that `id_of` gives their numbers; a larger line is one block.

    `held`: bytes that are not staged yet. Such a line is not copied, nor kept while the next one is read.
    """

    def __init__(self, blobs: BlobStore, name: str, id_of: Callable[[int], str]) -> None:
        self._blobs = blobs
        self._name = name
        self._id_of = id_of
        self._lines: list[bytes] = []
        self.held = 0
        self.size = 0  # Bytes in all.
        self.blocks = 0

    @property
    def block_ids(self) -> list[str]:
        """Of what is staged, in order."""
        return [self._id_of(number) for number in range(self.blocks)]

    async def add(self, data: bytes) -> None:
        if self.held + len(data) > BLOCK_BYTES:
            await self.end()
        self._lines.append(data)
        self.held += len(data)
        self.size += len(data)
        if self.held >= BLOCK_BYTES:
            await self.end()

    async def end(self) -> None:
        if self._lines:
            block = b"".join(self._lines)
            self._lines.clear()
            await repeated(lambda: self._blobs.stage_block(self._name, self._id_of(self.blocks), block))
            self.blocks += 1
            self.held = 0
