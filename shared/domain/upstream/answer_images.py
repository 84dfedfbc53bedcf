"""How many images an answer brings, which is what some models are billed by (contract 9.5). Pure."""

from __future__ import annotations

import msgspec


class _Answer(msgspec.Struct, frozen=True, gc=False):
    data: list[msgspec.Raw] = []


_decode = msgspec.json.Decoder(_Answer).decode


def count_images(body: bytes) -> int:
    """`body` is one valid JSON object; 0 if it is of another form."""
    try:
        return len(_decode(body).data)
    except msgspec.DecodeError:
        return 0
