"""Which request lines of an ended batch are sent again: those whose custom_id is in its error file, all or some.

Both files are pushed in block by block, the error file first. Memory is a digest per failed line and one line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from shared.domain.errors import WrongState
from shared.domain.lines.request_line import decode_line, read_line, request_lines
from shared.domain.raw_json import NULL, decode_string


class RetryLines:
    """`fail` every block of the error file, then `select` every block of the input file, then `rest`.

    `take` says of a line of the error file whether its request is sent again.
    """

    def __init__(self, take: Callable[[bytes], bool]) -> None:
        self._take = take
        self._failed: set[bytes] = set()
        self._errors = _Lines()
        self._requests = _Lines()

    def fail(self, block: bytes) -> None:
        """Take the next bytes of the error file, whose lines all end with a line feed. Raises WrongState."""
        for line in self._errors.cut(block):
            custom_id = _custom_id(line)
            if custom_id is not None and self._take(line):
                self._failed.add(_digest(custom_id))

    def select(self, block: bytes) -> bytes:
        """The request lines to send again among those that end in this block of the input file, as lanes read them."""
        return b"".join(line + b"\n" for line in self._requests.cut(block) if self._is_wanted(line))

    def rest(self) -> bytes:
        """The same for a last line without a line feed."""
        return self.select(b"\n")

    def _is_wanted(self, line: bytes) -> bool:
        return _digest(read_line(line).custom_id) in self._failed


class _Lines:
    """Cuts blocks at line feeds, in time linear in the bytes."""

    def __init__(self) -> None:
        self._open: list[bytes] = []

    def cut(self, block: bytes) -> list[bytes]:
        """The lines that end in `block` and are not blank."""
        end = block.rfind(b"\n") + 1
        if not end:
            self._open.append(block)
            return []
        ended = b"".join([*self._open, block[:end]])
        self._open = [block[end:]]
        return [line for _, line in request_lines(ended)]


def _custom_id(error_line: bytes) -> str | None:
    """None for a request whose line is lost: there is nothing to send again.

    Raises WrongState: the file may lie in a caller's folder, where anybody can change it.
    """
    try:
        custom_id = decode_line(error_line).custom_id
        return None if custom_id == NULL else decode_string(custom_id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WrongState(
            "A retry needs the error file of this batch, and one of its lines is no result line: it was changed after "
            "the batch had ended. Upload the requests again and create a new batch.",
            code="file_changed",
        ) from None


def _digest(custom_id: str) -> bytes:
    return hashlib.blake2b(custom_id.encode(), digest_size=16).digest()
