"""Counting what a file asks embeddings of: the vendors limit the inputs of all lines together (contract 3.5). Pure."""

from __future__ import annotations

import msgspec

_ABSENT = msgspec.Raw(b"")
_DIGITS = b"-0123456789"


class _Body(msgspec.Struct, frozen=True, gc=False):
    input: msgspec.Raw = _ABSENT


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def count_inputs(body: bytes) -> int:
    """Inputs of one request: a text or a list of tokens is one, a list of texts or of token lists as many as it has.

    `body` is one valid JSON object.
    """
    given = bytes(_decode_body(body).input)
    if not given.startswith(b"["):
        return 1
    items = _decode_list(given)
    return 1 if items and bytes(items[0])[:1] in _DIGITS else len(items)
