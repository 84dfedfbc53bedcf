"""What of a prompt a cache may share with other prompts, as a number: equal numbers, equal beginnings.

Of a chat that is its tools, its instructions and all messages but the last, and of a long last one its first
LEAST_BYTES: who asks many questions of one document may well put both into one message. Caches of vendors begin at
1,024 tokens; what is shorter than that costs little and has no key. Every process makes the same of the same beginning:
eight bytes, so that lanes, replicas and later runs agree.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from shared.domain.raw_json import ABSENT

LEAST_BYTES: Final = 4096  # Some 1,024 tokens.
KEY_BYTES: Final = 8


class _Prompt(msgspec.Struct, frozen=True, gc=False):
    tools: msgspec.Raw = ABSENT
    system: msgspec.Raw = ABSENT
    instructions: msgspec.Raw = ABSENT
    messages: list[msgspec.Raw] | None = None
    input: msgspec.Raw = ABSENT
    prompt: msgspec.Raw = ABSENT


class _Line(msgspec.Struct, frozen=True, gc=False):
    body: _Prompt


class Keys(NamedTuple):
    """`fine` takes the beginning of the last message in, `coarse` does not; None where it would be too short."""

    fine: int | None
    coarse: int | None


_NONE: Final = Keys(None, None)
_decode_line = msgspec.json.Decoder(_Line).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def prefixes_of(lines: Iterable[bytes]) -> list[int | None]:
    """One for each request line: the finer one where it tells of company among these lines, else the coarse one."""
    known = dict[bytes, int]()
    keys = [_keys(line, known) for line in lines]
    company = Counter(key.fine for key in keys)
    return [key.fine if key.fine is not None and company[key.fine] > 1 else key.coarse for key in keys]


def prefix_keys(raw: bytes) -> Keys:
    """Those of a request line. Never raises."""
    return _keys(raw, {})


def _keys(raw: bytes, known: dict[bytes, int]) -> Keys:
    """`known`: the numbers of beginnings that others had. A line is decoded once, and a beginning digested once."""
    try:
        prompt = _decode_line(raw).body
        *before, last = _messages(prompt)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _NONE
    shared = b"".join((prompt.tools, prompt.system, prompt.instructions, *before))
    coarse = fine = None
    if len(shared) >= LEAST_BYTES:
        coarse = known.get(shared) or known.setdefault(shared, _number(shared))
    if len(last) > LEAST_BYTES:
        fine = _number(b"%b\n%b" % (shared, last[:LEAST_BYTES]))  # No request line has a line feed in it.
    return Keys(fine, coarse)


def _messages(prompt: _Prompt) -> list[bytes]:
    """From the first one to the last one. Raises DecodeError."""
    if prompt.messages:
        return [bytes(message) for message in prompt.messages]
    asked = bytes(prompt.input) or bytes(prompt.prompt)
    return [bytes(item) for item in _decode_list(asked)] if asked.startswith(b"[") else [asked]


def _number(beginning: bytes) -> int:
    digest = hashlib.sha256(beginning, usedforsecurity=False).digest()
    return int.from_bytes(digest[:KEY_BYTES], "big")
