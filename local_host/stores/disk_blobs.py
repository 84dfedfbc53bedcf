"""Blobs on a directory: bytes are files that are never changed below their committed length, names are rows in SQLite.

Rule: the row is the truth. A file is complete and fsynced before a row names it; what a crash leaves before that is an
orphan, set aside later (`lost_files`). It is removed after no row names it; what a crash leaves then is removed at the
next start. So committing blocks writes one row and copies nothing. What is appended to is the exception: its file tells
its length (`append_file`).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from local_host.stores import append_file, blob_rows
from local_host.stores.blob_rows import Piece
from local_host.stores.lost_files import LostFiles
from local_host.stores.private_files import private_open
from local_host.stores.store_database import StoreDatabase
from shared.domain.errors import Unavailable
from shared.ports.base import BlobMissing

DROPS_AT_ONCE = 64  # Of files that are gone, the notes go so many at a time.
READ_BYTES = 1024 * 1024  # What a download holds whose client does not read.
log = logging.getLogger(__name__)

_UNKNOWN_BYTES = (
    "The data folder holds files that its database, stores.db, does not know; they are left alone. If stores.db was "
    "lost or replaced, stop the service and restore a copy of it; if the files are not wanted, remove them by hand."
)
_SET_ASIDE = (
    "Files that no record names were moved to lost+found and are deleted after 30 days. A crash leaves a few; if there "
    "are many, a restored copy of stores.db that names them brings them back at the next start."
)


class DiskBlobs:
    """`BlobStore`; rows in `database`, bytes in `folder`."""

    def __init__(self, database: StoreDatabase, folder: Path, *, read_bytes: int = READ_BYTES) -> None:
        """`read_bytes`: the largest piece that is read at once."""
        self._database = database
        self._folder = folder
        self._read_bytes = read_bytes
        self._gone: list[str] = []  # Removed files that are still noted as dropped: no harm, at the next start either.

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        file = await self._database.in_thread(lambda: self._write_file(data))
        block = (name, block_id, file, len(data), time.time())
        replaced = await self._database.write(lambda connection: blob_rows.stage(connection, block))
        await self._remove_files(replaced)

    async def commit_blocks(self, name: str, block_ids: Sequence[str]) -> int:
        size, dropped = await self._database.write(lambda connection: blob_rows.commit(connection, name, block_ids))
        await self._remove_files(dropped)
        return size

    async def put(self, name: str, data: bytes) -> None:
        file = await self._database.in_thread(lambda: self._write_file(data))
        piece = Piece("", file, len(data))
        dropped = await self._database.write(lambda connection: blob_rows.replace(connection, name, [piece]))
        await self._remove_files(dropped)

    async def size(self, name: str) -> int:
        """Of bytes that are there: a file that was lost or cut is found out here, not in the middle of a download."""
        pieces = await self._pieces(name)
        if not await self._database.in_thread(lambda: all(map(self._is_whole, pieces))):
            if pieces == await self._pieces(name):
                raise BlobMissing(f"Bytes of {name} are missing in the data folder.")
            return await self.size(name)  # Replaced or extended by another process meanwhile.
        return sum(piece.length for piece in pieces)

    async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        pieces, end, data = await self._database.in_thread(lambda: self._begin_read(name, start, length))
        while start < end:
            if data is None:  # Replaced by another process while being read, or deleted.
                previous, pieces = pieces, await self._pieces(name)
                if pieces == previous:
                    raise BlobMissing(f"Bytes of {name} are missing in the data folder.")
            elif data:
                yield data
                start += len(data)
            else:  # Replaced by something shorter.
                return
            if start < end:
                data = await self._database.in_thread(lambda: self._read_span(pieces, start, end))  # noqa: B023

    async def append(self, name: str, data: bytes) -> None:
        await self._database.in_thread(lambda: self._append(name, data))

    async def delete(self, name: str) -> bool:
        found, files = await self._database.write(lambda connection: blob_rows.delete(connection, name, name))
        await self._remove_files(files)
        return found

    async def delete_prefix(self, prefix: str) -> None:
        last = prefix + blob_rows.PAST_EVERY_NAME
        _, files = await self._database.write(lambda connection: blob_rows.delete(connection, prefix, last))
        await self._remove_files(files)

    async def names(self, prefix: str) -> AsyncIterator[str]:
        last, position = prefix + blob_rows.PAST_EVERY_NAME, ""
        while page := await self._database.read(lambda connection: blob_rows.names(connection, prefix, last, position)):  # noqa: B023
            for name in page:
                yield name
            position = page[-1]

    def close(self) -> None:
        """Close the database, which the record stores share. Blocks."""
        self._database.close()

    def finish_drops(self) -> None:
        """Remove the files that a process which was killed had given up. Call it at the start. Blocks."""
        dropped = self._database.begin(blob_rows.all_dropped).result()
        if dropped:
            self._remove(*dropped)
            self._database.begin(lambda connection: blob_rows.forget_dropped(connection, dropped)).result()

    def sweep(self, now: float) -> None:
        """Drop abandoned blocks and set orphaned files aside, at most once a day. `now` is in unix seconds. Blocks.

        Nothing is moved by a database that knows no bytes, nor a file that is older than the database.
        """
        sweep = self._database.begin(lambda connection: blob_rows.claim_sweep(connection, now)).result()
        lost = LostFiles(self._folder)
        if sweep is None and not lost:
            return
        named = self._database.begin(blob_rows.every_file).result()
        if back := lost.bring_back(named):
            log.warning(
                "Files that were set aside are named again.", extra={"action": "files_brought_back", "count": back}
            )
        if sweep is None:
            return
        self._remove(*sweep.given_up)
        lost.forget(now)
        orphans = self._older_than(now - blob_rows.DAY_SECONDS, named)
        lost.set_aside(own := [file for file, at in orphans.items() if named and at >= sweep.made_at], now)
        if own:
            log.warning(_SET_ASIDE, extra={"action": "orphans_set_aside", "count": len(own), "reason": lost.folder})
        if unknown := len(orphans) - len(own):
            log.warning(_UNKNOWN_BYTES, extra={"action": "sweep_refused", "count": unknown, "reason": self._folder})

    def _older_than(self, until: float, named: set[str]) -> dict[str, float]:
        """Files that are not `named`, and when each was written; in unix seconds."""
        found = {}
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # Another process works here, too.
                if entry.name not in named and (written := entry.stat().st_mtime) < until:
                    found[entry.name] = written
        return found

    async def _pieces(self, name: str) -> list[Piece]:
        return await self._database.in_thread(lambda: self._pieces_now(name))

    def _pieces_now(self, name: str) -> list[Piece]:
        pieces = self._measured(blob_rows.committed(self._database.reading(), name))
        if pieces is None:
            raise BlobMissing(f"There is no blob {name}.")
        return pieces

    def _begin_read(self, name: str, start: int, length: int | None) -> tuple[list[Piece], int, bytes | None]:
        """In one step, as most blobs are read in one: the blob's pieces, where to end, and the first bytes."""
        pieces = self._pieces_now(name)
        end = sum(piece.length for piece in pieces)
        if length is not None:
            end = min(end, start + length)
        return pieces, end, self._read_span(pieces, start, end)

    def _measured(self, pieces: list[Piece] | None) -> list[Piece] | None:
        """With the length of what is appended to."""
        if not pieces or not pieces[0].head:
            return pieces
        return [msgspec.structs.replace(piece, length=self._length(piece)) for piece in pieces]

    def _length(self, piece: Piece) -> int:
        try:
            return append_file.length(self._folder / piece.file)
        except FileNotFoundError:
            raise BlobMissing("Bytes of an appended blob are missing in the data folder.") from None

    def _is_whole(self, piece: Piece) -> bool:
        try:
            return (self._folder / piece.file).stat().st_size >= piece.head + piece.length
        except FileNotFoundError:
            return False

    def _read_span(self, pieces: Sequence[Piece], start: int, end: int) -> bytes | None:
        """The bytes from `start` to `end`, cut to what is read at once, across as many files as it takes.

        None where one of them is no longer there.
        """
        end, parts, piece_start = min(end, start + self._read_bytes), [], 0
        for piece in pieces:
            piece_end = piece_start + piece.length
            if start < piece_end and piece_start < end:
                try:
                    parts.append(self._read_file(piece, max(start - piece_start, 0), min(end, piece_end) - piece_start))
                except _FileGone:
                    return None
            piece_start = piece_end
            if piece_start >= end:
                break
        return b"".join(parts)

    def _read_file(self, piece: Piece, start: int, end: int) -> bytes:
        try:
            with (self._folder / piece.file).open("rb") as file:
                file.seek(piece.head + start)
                data = file.read(end - start)
        except FileNotFoundError:
            raise _FileGone from None
        if len(data) < end - start:
            raise OSError(f"{piece.file} is shorter than it was; it was changed from outside")
        return data

    def _write_file(self, *parts: bytes) -> str:
        """A new file of a name never used before, durable with its directory entry."""
        file = os.urandom(16).hex()
        try:
            with private_open(self._folder / file) as handle:
                handle.writelines(parts)
                handle.flush()
                os.fsync(handle.fileno())
            _sync_folder(self._folder)
        except OSError:
            self._remove(file)
            raise
        return file

    def _append(self, name: str, data: bytes) -> None:
        while True:
            pieces = blob_rows.committed(self._database.reading(), name)
            if self._create_appended(name, data) if pieces is None else self._extend(name, pieces[0], data):
                return

    def _create_appended(self, name: str, data: bytes) -> bool:
        """The first append. False if another was first."""
        piece = self._append_file(data)
        created = self._database.begin(lambda connection: blob_rows.insert(connection, name, piece)).result()
        if not created:
            self._remove(piece.file)
        return created

    def _append_file(self, data: bytes) -> Piece:
        return Piece("", self._write_file(append_file.head(data), data), 0, append_file.HEAD_BYTES)

    def _extend(self, name: str, piece: Piece, data: bytes) -> bool:
        """False: look again."""
        try:
            if not piece.head:
                return self._renew(name, piece, data)
            append_file.extend(self._folder / piece.file, data)
        except (FileNotFoundError, _FileGone) as error:
            if blob_rows.committed(self._database.reading(), name) is None:
                return False
            raise OSError(f"{piece.file} is missing") from error
        return True

    def _renew(self, name: str, old: Piece, data: bytes) -> bool:
        """Append to a blob whose length is in its row, as versions before kept it."""
        new = self._append_file(self._read_file(old, 0, old.length) + data)
        swapped = self._database.begin(lambda connection: blob_rows.swap(connection, name, old, new)).result()
        self._remove(old.file if swapped else new.file)
        return swapped

    async def _remove_files(self, files: Sequence[str]) -> None:
        if not files:
            return
        await self._database.in_thread(lambda: self._remove(*files))
        self._gone += files
        if len(self._gone) >= DROPS_AT_ONCE:
            gone, self._gone = self._gone, []
            with suppress(Unavailable):  # On a full disk: they stay noted.
                await self._database.write(lambda connection: blob_rows.forget_dropped(connection, gone))

    def _remove(self, *files: str) -> None:
        for file in files:
            (self._folder / file).unlink(missing_ok=True)


class _FileGone(Exception):
    """A file a row named a moment ago is no longer there."""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
