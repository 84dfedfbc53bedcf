"""A byte stream becomes one blob, block by block: the next block fills while the last ones are being staged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from shared.domain.errors import DurableBatchError
from shared.ports.blobs import BlobStore

_IN_FLIGHT = 2
log = logging.getLogger(__name__)


class BlockWriter:
    """Writes the blob `name` in blocks of `block_bytes`; memory is at most three of them. `block_id` names the n-th.

    End it with `commit`, or with `abandon` if anything failed: then nothing of it stays. Where someone else commits the
    blob, end it with `stage_rest`, or with `settle` if anything failed.
    """

    def __init__(
        self, blobs: BlobStore, name: str, block_bytes: int, block_id: Callable[[int], str] = "{:08d}".format
    ) -> None:
        self._blobs = blobs
        self._name = name
        self._block_bytes = block_bytes
        self._block_id = block_id
        self._buffer = bytearray()
        self._block_ids: list[str] = []
        self._staging: list[asyncio.Task[None]] = []

    async def write(self, piece: bytes) -> None:
        self._buffer += piece
        while len(self._buffer) >= self._block_bytes:
            block = bytes(self._buffer[: self._block_bytes])
            del self._buffer[: self._block_bytes]
            await self._stage(block)

    async def commit(self) -> int:
        """Make the blob readable; its size in bytes."""
        await self.stage_rest()
        return await self._blobs.commit_blocks(self._name, self._block_ids)

    async def stage_rest(self) -> int:
        """Stage what is left, without a commit; the number of blocks."""
        if self._buffer:
            await self._stage(bytes(self._buffer))
        await asyncio.gather(*self._staging)
        return len(self._block_ids)

    async def settle(self) -> None:
        """Wait for what is being staged, whatever comes of it."""
        await asyncio.gather(*self._staging, return_exceptions=True)

    async def abandon(self) -> None:
        """Remove every trace of the blob. Never raises: blocks that cannot be removed now expire in a week."""
        await self.settle()  # A block staged after the delete would stay.
        try:
            await self._blobs.delete(self._name)
        except DurableBatchError:
            log.warning("Could not remove an abandoned upload.", extra={"action": "abandon_upload"}, exc_info=True)

    async def _stage(self, block: bytes) -> None:
        if len(self._staging) == _IN_FLIGHT:
            await self._staging.pop(0)
        block_id = self._block_id(len(self._block_ids))
        self._block_ids.append(block_id)
        self._staging.append(asyncio.create_task(self._blobs.stage_block(self._name, block_id, block)))
