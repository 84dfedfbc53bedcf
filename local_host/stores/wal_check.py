"""Whether SQLite's write-ahead log can be read to its end. SQLite itself takes the first bad frame for the end.

Rule: what a crash leaves is no damage. Each commit is synced before the next begins, so a crash can tear the last one
only; a frame that is bad although two commits follow it was good once. Format: sqlite.org/fileformat2.html#walformat.
"""

from __future__ import annotations

import struct
from pathlib import Path

MOST_BYTES = 16 * 1024 * 1024  # A log is cut at about 4 MiB, which takes half a second to sum up.
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_LITTLE_ENDIAN, _BIG_ENDIAN = 0x377F0682, 0x377F0683
_MASK = 0xFFFFFFFF


def lost_commits(path: Path) -> int:
    """How many commits at least SQLite would pass over without a word; 0 for a sound log, or none."""
    data = _start_of(path)
    if len(data) < _HEADER.size:
        return 0
    magic, _, page_bytes, _, *salts, first, second = _HEADER.unpack_from(data)
    order = {_LITTLE_ENDIAN: "<", _BIG_ENDIAN: ">"}.get(magic)
    if order is None or _checksum(data[:24], (0, 0), order) != (first, second):
        return 1 if len(data) > _HEADER.size + _FRAME.size else 0  # Synced before the first frame was written.
    return _commits_after_bad_frame(data, page_bytes, salts, (first, second), order)


def _commits_after_bad_frame(
    data: bytes, page_bytes: int, salts: list[int], checksum: tuple[int, int], order: str
) -> int:
    size = _FRAME.size + page_bytes
    commits, is_good = 0, True
    for start in range(_HEADER.size, len(data) - size + 1, size):
        _, pages_at_commit, *found_salts, first, second = _FRAME.unpack_from(data, start)
        is_current = found_salts == salts
        if is_good and is_current:
            summed = data[start : start + 8] + data[start + _FRAME.size : start + size]
            checksum = _checksum(summed, checksum, order)
            is_good = checksum == (first, second)
        else:
            is_good = False
        commits += not is_good and is_current and pages_at_commit > 0
    return commits if commits > 1 else 0


def _checksum(data: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = before
    for first, second in struct.iter_unpack(f"{order}2I", data):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except FileNotFoundError:
        return b""
