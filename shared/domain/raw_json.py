"""Raw JSON, looked at without decoding it: presence, type, depth, and how a value is quoted in a message."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final

import msgspec

MAX_NESTING: Final = 256  # Far below where decoders give up, so that a line good for one reader is good for all.
_QUOTED_CHARACTERS: Final = 64

ABSENT: Final = msgspec.Raw(b"")  # Default of struct fields; compared by identity or with `is_null`.
TRUE: Final = msgspec.Raw(b"true")
NULL: Final = msgspec.Raw(b"null")

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_KINDS: Final = {"{": "an object", "[": "an array", '"': "a string", "t": "a boolean", "f": "a boolean", "n": "null"}

decode_string = msgspec.json.Decoder(str).decode


def is_null(raw: msgspec.Raw) -> bool:
    """No value at all, or JSON's null."""
    return raw is ABSENT or raw == NULL


def as_string(raw: msgspec.Raw) -> str | None:
    """The text of a valid JSON string; None for any other type."""
    try:
        return decode_string(raw)
    except msgspec.ValidationError:
        return None


def is_utf8(text: bytes) -> bool:
    """msgspec skips over strings without looking at their bytes."""
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def kind_of(json: bytes) -> str:
    """The type of a valid JSON value with its article, for messages: "an array"."""
    return _KINDS.get(json.lstrip()[:1].decode(), "a number")


def is_too_deep(json: bytes) -> bool:
    """Whether valid JSON nests deeper than `MAX_NESTING`. Only what has that many brackets is looked at closely."""
    if len(json) <= 2 * MAX_NESTING or json.count(b"[") + json.count(b"{") <= MAX_NESTING:
        return False
    brackets = _STRING.sub(b"", json).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_NESTING


def quoted(text: str) -> str:
    """A caller's value in single quotes, cut so that a message stays readable."""
    return f"'{text}'" if len(text) <= _QUOTED_CHARACTERS else f"'{text[: _QUOTED_CHARACTERS - 1]}…'"


def repair_surrogates(body: bytes) -> bytes:
    """`body` with each escaped half of a surrogate pair replaced by U+FFFD.

    A model cut off inside an emoji leaves one, and strict parsers refuse the document for it.
    """
    return _ESCAPE.sub(_repaired, body)


def _repaired(match: re.Match[bytes]) -> bytes:
    return match[0] if len(match[0]) != 6 else b"\\ufffd"
