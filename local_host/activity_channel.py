"""What the host and an activity worker say to each other: length-prefixed msgpack frames over a pair of pipes."""

from __future__ import annotations

import asyncio
import struct
from typing import IO

import msgspec

_LENGTH = struct.Struct(">I")


class Call(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Host to worker: run an activity. `input` is JSON text."""

    number: int
    name: str
    input: str


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Worker to host: the app is loaded."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Worker to host: call `number` returned `result`, JSON text."""

    number: int
    result: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Worker to host: call `number` raised; why, as `failures` words it."""

    number: int
    reason: str
    details: str | None


Answer = Ready | Done | Failed

_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def frame(message: Call | Answer) -> bytes:
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_answer(reader: asyncio.StreamReader) -> Answer | None:
    """The next answer; None at the end, also in the middle of a frame."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return _answers.decode(body)


def read_call(reader: IO[bytes]) -> Call | None:
    """The next call, blocking; None at the end, also in the middle of a frame."""
    head = reader.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = reader.read(length)
    return msgspec.msgpack.decode(body, type=Call) if len(body) == length else None
