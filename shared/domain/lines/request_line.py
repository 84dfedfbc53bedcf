"""The lines of an input file, found and decoded: the only way in which they are read, by whoever reads them.

Rule of this file: the judge (`line_rules`), the lanes, the end of a run and a retry read a line by these functions, so
that none of them can find what another did not. Of equal keys the last one counts, as in Python's json; what stands
before it may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final
from zlib import crc32

import msgspec

from shared.domain.raw_json import ABSENT, decode_string


class LineFields(msgspec.Struct, frozen=True, gc=False):
    """Raw JSON of the keys that a line is judged by; `ABSENT` where one is missing."""

    custom_id: msgspec.Raw = ABSENT
    method: msgspec.Raw = ABSENT
    url: msgspec.Raw = ABSENT
    body: msgspec.Raw = ABSENT


class RequestLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that passed. `body` is raw JSON, byte for byte as uploaded."""

    custom_id: str
    url: str
    body: bytes


decode_line = msgspec.json.Decoder(LineFields).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_LEADING_CUSTOM_ID = re.compile(rb'\s*\{\s*"custom_id"\s*:\s*("(?:[^"\\]|\\.)*+")')


_BLANK: Final = re.compile(rb"\s*")


def end_of_blanks(data: bytes, start: int, stop: int) -> int:
    """Where the first line begins that has more than white space before `stop`; `start` begins a line.

    Many blank lines are passed over in one step: a file of nothing else must not cost minutes.
    """
    run = _BLANK.match(data, start, stop)
    return data.rfind(b"\n", start, run.end() if run else start) + 1 or start


def request_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank, without white space around it, and how many lines are before it."""
    for before, line in enumerate(data.split(b"\n")):
        if text := line.strip():
            yield before, text


def digest_of(lines: Iterable[bytes], before: int = 0) -> int:
    """Tells lines that were damaged, or are others, from those that were validated. `before`: the digest so far."""
    for line in lines:
        before = crc32(line, before)
    return before


def read_line(raw: bytes) -> RequestLine:
    """A line that validation accepted, decoded as it was there. Raises msgspec.DecodeError where it cannot be."""
    line = decode_line(raw)
    return RequestLine(custom_id=decode_string(line.custom_id), url=decode_string(line.url), body=bytes(line.body))


def custom_id_of(raw: bytes) -> str:
    """The custom_id as far as it can be read, else "": for lines that nothing else can be done with. Never raises."""
    with suppress(Exception):  # it stands where everything else has failed already
        return decode_string(decode_line(raw).custom_id)
    with suppress(Exception):
        found = _LEADING_CUSTOM_ID.match(raw)
        return decode_string(found[1]) if found else ""
    return ""


class _CacheKey(msgspec.Struct, frozen=True, gc=False):
    prompt_cache_key: msgspec.Raw = ABSENT


_decode_cache_key = msgspec.json.Decoder(_CacheKey).decode


def with_cache_key(line: RequestLine, prefix: int) -> RequestLine:
    """The line with a `prompt_cache_key` made of its prompt's prefix, unless its caller has set one."""
    if _decode_cache_key(line.body).prompt_cache_key is not ABSENT:
        return line
    field, rest = b'{"prompt_cache_key":"%016x"' % prefix, line.body.lstrip()[1:]
    return msgspec.structs.replace(line, body=field + (b"" if rest.lstrip().startswith(b"}") else b",") + rest)


def with_model(body: bytes, model: str) -> bytes:
    """The body with its top-level `model` set to `model`; every other value keeps its bytes."""
    fields = _decode_object(body)
    wanted = msgspec.json.encode(model)
    if fields.get("model") == msgspec.Raw(wanted):
        return body
    fields["model"] = msgspec.Raw(wanted)
    return msgspec.json.encode(fields)
