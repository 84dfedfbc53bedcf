"""What a batch will ask of its deployment, told from the beginning of its input file before anything is validated.

Rule of this file: an estimate. Given validation's counter, a file that is read to its end is counted as there; of a
longer one the tokens per byte of the beginning are taken for the whole.
"""

from __future__ import annotations

from typing import Final

import msgspec

from shared.domain.raw_json import ABSENT, as_string, is_utf8
from shared.domain.usage.tokens import TokenCounter, TokenTally

HEAD_BYTES: Final = 262_144


class ExpectedLoad(msgspec.Struct, frozen=True, kw_only=True):
    """The deployment that the first line names, and the input tokens of all lines."""

    deployment: str
    input_tokens: int


class _Line(msgspec.Struct, frozen=True, gc=False):
    body: msgspec.Raw


class _Body(msgspec.Struct, frozen=True, gc=False):
    model: msgspec.Raw = ABSENT


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_body = msgspec.json.Decoder(_Body).decode


def expect_load(head: bytes, size: int, counter: TokenCounter) -> ExpectedLoad | None:
    """The load of a file of `size` bytes that begins with `head`; None if no request can be read there."""
    lines = head.split(b"\n")
    if len(head) < size:
        lines.pop()  # It goes on after the head.
    bodies = [body for line in lines if (body := _body(line)) is not None]
    deployment = _model(bodies[0]) if bodies else None
    if deployment is None:
        return None
    tally = TokenTally(counter)
    for body in bodies:
        tally.add(body)
    tokens = tally.take()
    seen = sum(len(line) + 1 for line in lines)
    return ExpectedLoad(deployment=deployment, input_tokens=tokens * size // seen if len(head) < size else tokens)


def _body(line: bytes) -> bytes | None:
    try:
        return bytes(_decode_line(line).body) if is_utf8(line) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _model(body: bytes) -> str | None:
    try:
        return as_string(_decode_body(body).model)
    except msgspec.DecodeError:
        return None
