"""What the product needs from outside: Protocols of storage and upstream, and the errors each must raise.

Implementations are named after their technology (`shared/azure`, `local_host/stores`) and pass one conformance
suite (`tests/contracts`). Cross-cutting guarantees, which every implementation gives:

- Any method may be called twice with the same arguments by two processes at once; the outcome is as if once.
- What a method that returned has written survives a kill of the process; what one that did not return was writing is
  there as a whole or not at all.
- Methods are coroutines of one event loop and never block it; one instance serves many concurrent calls.
- Any text may stand for an owner, an id or a name: it is kept under or not found, and never an error.
- A record that does not decode raises `Damaged` for whoever asks for it; lists leave it out, but for those that say
  otherwise.
- A dependency that does not answer raises `Unavailable` (`shared.domain.errors`), after the adapter's own retries;
  one that takes no more bytes its leaf `StorageFull`.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from shared.answer_room import Share
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.creation import Creation
from shared.domain.files.file import File
from shared.domain.files.upload import Upload, UploadPart
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.upstream.upstream import UpstreamAnswer, UpstreamRequest

T = TypeVar("T")


class AlreadyExists(Exception):
    """Insert of a key that is taken."""


class Changed(Exception):
    """A conditional write lost: the record is no longer (or not yet) at the version the caller read."""


class BlobMissing(Exception):
    """No committed blob of that name, or a committed block list names a block that was never staged."""


class AccessDenied(Exception):
    """A caller's storage account refuses the service, and will until somebody changes that."""


class Stored(msgspec.Struct, Generic[T], frozen=True):
    """A value and the version it was read at; hand `version` back to replace exactly that."""

    value: T
    version: str


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


class BatchStore(Protocol):
    """Batch records (compare-and-swap), their chunk rows, and the heartbeats of running lanes."""

    async def insert(self, batch: Batch) -> None:
        """Raises AlreadyExists."""
        ...

    async def get(self, owner: str, batch_id: str) -> Stored[Batch] | None: ...

    async def replace(self, batch: Batch, version: str) -> str:
        """Write the record if it is still at `version`; return the new version. Raises Changed."""
        ...

    async def list(self, owner: str, *, after: str | None = None, limit: int, newest_first: bool = True) -> list[Batch]:
        """At most `limit` batches in order of id (which is order of creation), strictly past the id `after`.

        `after` is a position, not a look-up: any 32 hex digits will do.
        """
        ...

    def unfinished(self) -> AsyncIterator[Batch]:
        """Every batch of any owner that is in no terminal state; cost grows with these, not with all batches."""
        ...

    async def put_chunk(self, row: ChunkRow, version: str | None) -> str:
        """Insert (`version` None) or replace the chunk's row; return its new version. Raises Changed."""
        ...

    async def get_chunk(self, batch_id: str, index: int) -> Stored[ChunkRow] | None: ...

    async def list_chunks(self, batch_id: str) -> builtins.list[ChunkRow]:
        """Every chunk row of the batch in order of index. Raises Damaged."""
        ...

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Insert or replace the lane's heartbeat under its deployment."""
        ...

    async def claim_lane(self, heartbeat: Heartbeat, version: str | None) -> None:
        """Insert (`version` None) or replace the lane's heartbeat. Raises Changed."""
        ...

    async def get_heartbeat(self, deployment: str, batch_id: str, lane: int) -> Stored[Heartbeat] | None: ...

    async def stop_beating(self, heartbeat: Heartbeat) -> None:
        """Remove the lane's heartbeat; nothing happens if there is none."""
        ...

    async def heartbeats(self, deployment: str, batch_id: str | None = None) -> builtins.list[Heartbeat]:
        """Every heartbeat under the deployment, or that batch's only (cost grows with these); stale ones included."""
        ...


class CreationStore(Protocol):
    """Create calls by name (compare-and-swap)."""

    async def get(self, name: str) -> Stored[Creation] | None: ...

    async def put(self, creation: Creation, version: str | None) -> None:
        """Insert (`version` None) or replace. Raises Changed."""
        ...

    def every(self) -> AsyncIterator[Creation]:
        """All of them, in no particular order; one written in the meantime may be left out."""
        ...

    async def delete(self, name: str) -> None:
        """Nothing happens if there is none."""
        ...


class Upstream(Protocol):
    """The one seam through which lines reach a model."""

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        """Send once, without retries. Never raises for what the network or the upstream does: that is the answer.

        A large answer takes room of `share`, which is the caller's to give back.
        """
        ...

    async def close(self) -> None: ...
