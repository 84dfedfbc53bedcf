"""An appended blob in one file that tells its own length: an append costs one sync, and no row changes.

At the head of the file stand two notes, written in turns: how long the blob is, and what the last append ought to be.
An append writes its bytes behind the last ones, then the older note, then syncs. Of what a power cut leaves of that, a
note without its bytes does not count; then the other note does, and what lies past its length is overwritten.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

_FIELDS: Final = struct.Struct("<QQII")
_CHECK: Final = struct.Struct("<I")
_NOTE_BYTES: Final = 32
HEAD_BYTES: Final = 2 * _NOTE_BYTES  # The blob's bytes follow.
_PIECE_BYTES: Final = 1_048_576
_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync.


class _Note(NamedTuple):
    """The `number`th append ended at `length`; `last` are its bytes, `check` their checksum."""

    number: int
    length: int
    last: int
    check: int

    def after(self, data: bytes) -> _Note:
        return _Note(self.number + 1, self.length + len(data), len(data), crc32(data))

    @property
    def place(self) -> int:
        return self.number % 2 * _NOTE_BYTES

    def encoded(self) -> bytes:
        fields = _FIELDS.pack(*self)
        return (fields + _CHECK.pack(crc32(fields))).ljust(_NOTE_BYTES, b"\0")


_NOTHING: Final = _Note(0, 0, 0, crc32(b""))


def head(data: bytes) -> bytes:
    """What stands before `data` in a new file: the head of a blob of one append."""
    note = _NOTHING.after(data)
    return b"\0" * note.place + note.encoded().ljust(HEAD_BYTES - note.place, b"\0")


def extend(path: Path, data: bytes) -> None:
    """Append, durable on return, one process at a time. Raises OSError."""
    with path.open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = _newest(file.fileno())
        note = before.after(data)
        _write(file.fileno(), data, HEAD_BYTES + before.length)
        _write(file.fileno(), note.encoded(), note.place)
        _sync(file.fileno())


def length(path: Path) -> int:
    """Bytes of the blob, without the head. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return _newest(file.fileno()).length


def _newest(file: int) -> _Note:
    """Of the last append that arrived. A file that has neither note any more is as if nothing had been appended."""
    head = os.pread(file, HEAD_BYTES, 0)
    notes = [_decoded(head[at : at + _NOTE_BYTES]) for at in (0, _NOTE_BYTES)]
    for note in sorted((note for note in notes if note), reverse=True):
        if _checksum(file, HEAD_BYTES + note.length - note.last, note.last) == note.check:
            return note
    return _NOTHING


def _checksum(file: int, start: int, length: int) -> int:
    """Of a part of the file, read piece by piece: it may be 100 MB, and many files are looked at at once."""
    found, at, end = 0, start, start + length
    while at < end and (piece := os.pread(file, min(_PIECE_BYTES, end - at), at)):
        found, at = crc32(piece, found), at + len(piece)
    return found


def _decoded(encoded: bytes) -> _Note | None:
    fields, check = encoded[: _FIELDS.size], encoded[_FIELDS.size : _FIELDS.size + _CHECK.size]
    if len(encoded) < _NOTE_BYTES or _CHECK.unpack(check)[0] != crc32(fields):
        return None
    return _Note(*_FIELDS.unpack(fields))


def _write(file: int, data: bytes, at: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(file, rest, at)
        rest, at = rest[written:], at + written
