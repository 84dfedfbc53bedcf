"""Result lines on their way into a blob, as blocks of bounded size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

BLOCK_BYTES = 4 * 1024 * 1024


class ResultStream:
    """Has `stage` keep blocks of up to BLOCK_BYTES under the ids that `id_of` gives their numbers.

    A larger line is one block.

    `held`: bytes that are not staged yet. Such a line is not copied, nor kept while the next one is read.
    """

    def __init__(self, stage: Callable[[str, bytes], Awaitable[None]], id_of: Callable[[int], str]) -> None:
        self._stage = stage
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
            await self._stage(self._id_of(self.blocks), block)
            self.blocks += 1
            self.held = 0
