"""Why a line cannot be read as JSON, for people: where it breaks off, or what it is instead."""

from __future__ import annotations

from typing import Final

import msgspec

from shared.domain.raw_json import MAX_NESTING, is_too_deep, repair_surrogates

BOM: Final = b"\xef\xbb\xbf"
_SHOWN_BYTES: Final = 24
_TOO_DEEP: Final = f"nests deeper than {MAX_NESTING} levels"

_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode


def why_not_json(line: bytes) -> str | None:
    """The end of a sentence that begins with the line ("is cut off …"); None for valid JSON. Never raises."""
    try:
        line.decode()  # msgspec skips over strings without looking at their bytes
        _check_syntax(line)
    except UnicodeDecodeError as error:
        return f"is not UTF-8: its byte {error.start} is 0x{line[error.start]:02X}"
    except RecursionError:
        return _TOO_DEEP
    except msgspec.DecodeError as error:
        return _syntax_problem(line, str(error))
    return _TOO_DEEP if is_too_deep(line) else None


def _syntax_problem(line: bytes, found: str) -> str:
    if line.startswith(BOM):
        return "begins with a byte order mark (BOM)"
    begun = line.lstrip(b" \t\r")
    if not begun.startswith(b"{"):
        return f"begins with {_shown(begun or line)}"
    if b"\\u" in line and _is_json(repair_surrogates(line)):
        return "has half of an escaped surrogate pair (a character cut in two)"
    if "truncated" in found:
        return "is cut off: a request has to be on one line, from { to }"
    return found.removeprefix("JSON ")


def _is_json(line: bytes) -> bool:
    try:
        _check_syntax(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _shown(line: bytes) -> str:
    """How it begins, in quotes, with control characters escaped."""
    text = line[:_SHOWN_BYTES].decode(errors="ignore").rstrip()
    return f"{text!r}" if len(line) <= _SHOWN_BYTES else f"{text + '…'!r}"
