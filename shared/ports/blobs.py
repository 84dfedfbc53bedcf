"""The service's own bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class BlobStore(Protocol):
    """Bytes by name. Names are those of `shared.domain` (`files/…`, `plans/…`, `journals/…`, `results/…`).

    A name is written either in blocks (`stage_block`, then `commit_blocks`) or by `append`, never both.
    """

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        """Keep `data` (1 byte to 100 MiB) as an uncommitted block; the same id again replaces it.

        Block ids of one blob have equal length. Blocks never committed may vanish after a week.
        """
        ...

    async def commit_blocks(self, name: str, block_ids: Sequence[str]) -> int:
        """Make the blob readable as these blocks in this order (none: an empty blob); return its size in bytes.

        Costs the same whatever the size of the blocks. Committing the same list again succeeds. Staged blocks that
        the list leaves out are dropped. Raises BlobMissing if a named block is neither staged nor committed.
        """
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Write a small blob (under 4 MiB) as a whole, replacing what was there."""
        ...

    async def size(self, name: str) -> int:
        """Bytes of the committed or appended blob. Raises BlobMissing."""
        ...

    def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start`, at most `length` of them, in pieces of at most 4 MiB; memory is one piece or two.

        A range past the end is cut at the end. Raises BlobMissing (at the first piece).
        """
        ...

    async def append(self, name: str, data: bytes) -> None:
        """Add `data` (1 byte to 100 MiB) at the end, creating the blob if needed; atomic and durable on return."""
        ...

    async def delete(self, name: str) -> bool:
        """Remove the blob with all its blocks, committed or not. False if there was none."""
        ...

    async def delete_prefix(self, prefix: str) -> None:
        """Remove every blob whose name starts with `prefix`."""
        ...

    def names(self, prefix: str) -> AsyncIterator[str]:
        """The names of all committed, put or appended blobs that start with `prefix`, in ascending order.

        Cost grows with these. Blobs that come or go in the meantime may be in it or not.
        """
        ...
