"""Which request lines of an ended batch are sent again: those whose custom_id is in its error file.

Both files are pushed in block by block, the error file first. Memory is a digest per failed line and one line.
"""

from __future__ import annotations

import hashlib

import msgspec

from shared.domain.request_line import read_line


class _ErrorLine(msgspec.Struct, frozen=True, gc=False):
    custom_id: str | None  # None: the request is lost (shared/run/never_ran.py), and cannot be sent again.


_decode_error_line = msgspec.json.Decoder(_ErrorLine).decode


class RetryLines:
    """`fail` every block of the error file, then `select` every block of the input file, then `rest`."""

    def __init__(self) -> None:
        self._failed: set[bytes] = set()
        self._errors = _Lines()
        self._requests = _Lines()

    def fail(self, block: bytes) -> None:
        """Take the next bytes of the error file, whose lines all end with a line feed."""
        for line in self._errors.cut(block):
            if (custom_id := _decode_error_line(line).custom_id) is not None:
                self._failed.add(_digest(custom_id))

    def select(self, block: bytes) -> bytes:
        """The request lines to send again among those that end in this block of the input file, as they were."""
        return b"".join(line + b"\n" for line in self._requests.cut(block) if self._is_wanted(line))

    def rest(self) -> bytes:
        """The same for a last line without a line feed."""
        return self.select(b"\n")

    def _is_wanted(self, line: bytes) -> bool:
        return bool(line) and not line.isspace() and _digest(read_line(line).custom_id) in self._failed


class _Lines:
    """Cuts blocks at line feeds, in time linear in the bytes."""

    def __init__(self) -> None:
        self._open: list[bytes] = []

    def cut(self, block: bytes) -> list[bytes]:
        """The lines that end in `block`, without their line feeds."""
        *ended, begun = block.split(b"\n")
        if ended:
            ended[0] = b"".join([*self._open, ended[0]])
            self._open.clear()
        if begun:
            self._open.append(begun)
        return ended


def _digest(custom_id: str) -> bytes:
    return hashlib.blake2b(custom_id.encode(), digest_size=16).digest()
