"""The `Range` header of a download: one range of bytes, or none that this service serves. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shared.domain.errors import InvalidRequest

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class RangeNotSatisfiable(InvalidRequest):
    """The range begins past the end of the file, which is `size` bytes long."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The requested range is outside the file, which has {size} bytes.")
        self.size = size


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """`length` bytes from `start`, of a file of `size` bytes; `length` is at least 1."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The one range asked for; None where the whole file is to be sent.

    Headers that are malformed or ask for several ranges are ignored, as RFC 9110 14.2 allows.
    Raises RangeNotSatisfiable.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        start, last = int(match[1]), int(match[2]) if match[2] else size - 1
        if match[2] and last < start:
            return None
    else:
        start, last = max(0, size - int(match[2])), size - 1
    last = min(last, size - 1)
    if start > last:
        raise RangeNotSatisfiable(size)
    return ByteRange(start=start, length=last - start + 1, size=size)
