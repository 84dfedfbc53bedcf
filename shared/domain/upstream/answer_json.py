"""The JSON of an upstream's answer: what is read of it, and what is mended where servers write it loosely.

Whatever openai-python reads becomes valid JSON here: a byte order mark, UTF-16, halves of surrogate pairs, NaN.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from shared.domain.raw_json import repair_surrogates


class Choice(msgspec.Struct):
    """One of a chat's or completion's answers."""

    error: Any = None


class Answer(msgspec.Struct):
    """What the service reads of an answer; msgspec checks the rest of the document while skipping it."""

    model: Any = None
    usage: Any = None
    error: Any = None
    choices: list[Choice] | None = None


class _Loose(Answer):
    choices: Any = None


_decoder = msgspec.json.Decoder(Answer)
_loose_decoder = msgspec.json.Decoder(_Loose)


def read_object(body: bytes) -> Answer | None:
    """None if `body` is not one JSON object in valid UTF-8."""
    try:
        if not body.isascii():
            body.decode()  # msgspec takes skipped strings on trust
        return _decoder.decode(body)
    except msgspec.ValidationError:
        return _read_loosely(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _read_loosely(body: bytes) -> Answer | None:
    """The same where `choices` are none of which more could be read."""
    try:
        found = _loose_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return Answer(model=found.model, usage=found.usage, error=found.error)


def read_any(body: bytes) -> Any:
    """The document; None if `body` is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def mend(body: bytes) -> bytes:
    """`body` with what strict readers refuse and Python's takes put right; what is no JSON stays none."""
    body = in_utf8(body)
    if b"\\u" in body:
        body = repair_surrogates(body)
    if b"NaN" in body or b"Infinity" in body:
        body = _NO_NUMBER.sub(_without_it, body)
    return body


def in_utf8(body: bytes) -> bytes:
    """Without a byte order mark, from UTF-16 or UTF-32 too; halves of surrogate pairs become U+FFFD."""
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    except UnicodeDecodeError:
        return body


# A string, as it is, closed or not; or what is no number in JSON. Possessive: no step back, no memory for one.
_NO_NUMBER = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|-?\bInfinity\b|\bNaN\b', re.DOTALL)


def _without_it(match: re.Match[bytes]) -> bytes:
    return match[0] if match[0].startswith(b'"') else b"null"
