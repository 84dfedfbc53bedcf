"""What of a prompt a cache may share with other prompts, as a number: equal numbers, equal beginnings.

Of a chat that is its tools, its instructions and all messages but the last, and of a long last one its first
LEAST_BYTES: who asks many questions of one document may well put both into one message. Caches of vendors begin at
1,024 tokens; what is shorter than that costs little and has no key. Every process makes the same of the same beginning:
eight bytes, so that lanes, replicas and later runs agree.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from shared.domain.lines.request_line import decode_line
from shared.domain.raw_json import ABSENT

LEAST_BYTES: Final = 4096  # Some 1,024 tokens.
KEY_BYTES: Final = 8


class _Prompt(msgspec.Struct, frozen=True, gc=False):
    tools: msgspec.Raw = ABSENT
    system: msgspec.Raw = ABSENT
    instructions: msgspec.Raw = ABSENT
    messages: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT
    prompt: msgspec.Raw = ABSENT


class Keys(NamedTuple):
    """`fine` takes the beginning of the last message in, `coarse` does not; None where it would be too short."""

    fine: int | None
    coarse: int | None


_NONE: Final = Keys(None, None)
_decode_prompt = msgspec.json.Decoder(_Prompt).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def prefix_keys(raw: bytes) -> Keys:
    """Those of a request line. Never raises."""
    try:
        prompt = _decode_prompt(decode_line(raw).body)
        asked = next(filter(None, map(bytes, (prompt.messages, prompt.input, prompt.prompt))), b"")
        *before, last = _decode_list(asked) if asked.startswith(b"[") else [asked]
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _NONE
    shared = b"".join((prompt.tools, prompt.system, prompt.instructions, *before))
    if max(len(shared), len(last) - 1) < LEAST_BYTES:
        return _NONE
    digest = hashlib.sha256(shared, usedforsecurity=False)
    coarse = _number(digest.digest()) if len(shared) >= LEAST_BYTES else None
    if len(last) <= LEAST_BYTES:
        return Keys(None, coarse)
    digest.update(b"\n")  # No request line has one: what comes before it and after it cannot be mistaken.
    digest.update(memoryview(last)[:LEAST_BYTES])
    return Keys(_number(digest.digest()), coarse)


def _number(digest: bytes) -> int:
    return int.from_bytes(digest[:KEY_BYTES], "big")


def prefixes_of(lines: Sequence[bytes]) -> list[int | None]:
    """One for each line: the finer one where it tells of company among these lines, else the coarse one."""
    keys = [prefix_keys(line) for line in lines]
    company = Counter(key.fine for key in keys)
    return [key.fine if key.fine is not None and company[key.fine] > 1 else key.coarse for key in keys]
