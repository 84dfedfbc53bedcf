"""What the host and an activity worker say to each other: length-prefixed msgpack frames over a pair of pipes."""

from __future__ import annotations

import asyncio
import struct
from typing import IO

import msgspec

SPARE = "--spare"  # Said to a worker that waits for another one to die.
SPARE_TITLE = "spare of the local host"
_LENGTH = struct.Struct(">I")


class Call(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Host to worker: run an activity. `input` is JSON text."""

    number: int
    name: str
    input: str


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Host to worker: the host stops. There are no further calls, and long ones should end."""


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
Order = Call | Stop

_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)


def frame(message: Order | Answer) -> bytes:
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


def read_order(reader: IO[bytes]) -> Order | None:
    """The next order, blocking; None at the end, also in the middle of a frame."""
    head = reader.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = reader.read(length)
    return _orders.decode(body) if len(body) == length else None
