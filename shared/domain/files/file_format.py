"""What a file is that holds no JSON lines in UTF-8, told from how it begins, and what its owner can do about it.

Rule of this file: only what cannot be mistaken is named; whatever else is no JSON says so by itself (`json_problem`).
"""

from __future__ import annotations

from typing import Final

_UNPACK: Final = "Unpack it, and send the JSON lines in it."
_CONVERT: Final = "Write each of its rows as a JSON object on a line of its own."
_FORMATS: Final = (
    (b"\x1f\x8b", "gzip", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd", _UNPACK),
    (b"\xfd7zXZ\x00", "xz", _UNPACK),
    (b"BZh91AY&SY", "bzip2", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"PK\x03\x04", "a zip archive (a workbook, .xlsx, is one too)", _UNPACK),
    (b"PAR1", "Parquet", _CONVERT),
    (b"ARROW1", "Arrow", _CONVERT),
    (b"Obj\x01", "Avro", _CONVERT),
    (b"SQLite format 3\x00", "a SQLite database", _CONVERT),
    (b"%PDF-", "a PDF document", _CONVERT),
)
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


def foreign_format(head: bytes) -> str | None:
    """What the file is, in the words of "this is …", and what to do; None for text."""
    for signature, name, advice in _FORMATS:
        if head.startswith(signature):
            return f"this is {name}. {advice}"
    return None


def foreign_encoding(head: bytes) -> str | None:
    """The same for text in an encoding that is told by its byte order mark, or by zeros beside its first letter."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return _encoded(name)
    zeros = [byte == 0 for byte in head[:4]]
    if zeros in ([False, True, True, True], [True, True, True, False]):
        return _encoded("UTF-32")
    if zeros in ([False, True, False, True], [True, False, True, False]):
        return _encoded("UTF-16")
    return None


def _encoded(name: str) -> str:
    return f"this is {name}. Save it as UTF-8."
