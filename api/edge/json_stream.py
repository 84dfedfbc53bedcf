"""A JSON object read as it arrives: its members, and one of its arrays item by item. Values stay raw JSON.

Rule of this file: it cuts, it does not judge. Where values begin and end is all that is looked at; whether the text
between is JSON is asked of a decoder by whoever takes it. Memory is one value and one piece of the body, time is
linear in the bytes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.domain.errors import InvalidRequest
from shared.domain.raw_json import MAX_NESTING, decode_string

_PLAIN: Final = rb'[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"'  # a whole string, or what is neither a string nor a bracket
# As far as possible in one step: over arrays and objects, too, that have none inside.
_TO_BRACKET: Final = re.compile(rb"(?:%b|\[(?:%b)*+\]|\{(?:%b)*+\})*+" % (_PLAIN, _PLAIN, _PLAIN), re.DOTALL)
_IN_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR: Final = re.compile(rb"[^\s,\]}]*+")
_BLANKS: Final = re.compile(rb"\s*+")
_QUOTE: Final = ord('"')
_END: Final = -1
_TOO_EARLY: Final = "it ends too early"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the object, but for the array that is taken apart."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """The next item of that array."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Begin:
    """That array begins: what came before it is all that is known while its items come."""


async def read_object(
    body: AsyncIterator[bytes], array: str, *, most_bytes: int, most_item_bytes: int
) -> AsyncIterator[Member | Begin | Item]:
    """The object in `body`, whose member `array` is taken apart if it is one. Complete when it ends.

    `most_bytes` is the room of all other members together. Raises InvalidRequest if `body` is no JSON object, or if
    a bound is passed.
    """
    text, room = _Text(body), most_bytes
    await text.skip_mark()
    await text.expect("{")
    more = await text.peek() != ord("}")
    if not more:
        text.take()
    too_long = f"The request body is larger than {most_bytes} bytes beside its '{array}'."
    while more:
        name = _name(raw := await text.value(room, too_long))
        room -= len(raw)
        await text.expect(":")
        if name == array and await text.peek() == ord("["):
            yield Begin()
            async for item in _items(text, array, most_item_bytes):
                yield item
        else:
            value = await text.value(room, too_long)
            room -= len(value)
            yield Member(name, value)
        more = await text.goes_on("}")
    if await text.peek() != _END:
        raise broken("something follows the object")


async def _items(text: _Text, array: str, most_bytes: int) -> AsyncIterator[Item]:
    text.take()
    more = await text.peek() != ord("]")
    if not more:
        text.take()
    number = 0
    while more:
        too_long = f"{array}[{number}] is longer than the maximum of {most_bytes:,} bytes. Shorten the request."
        yield Item(await text.value(most_bytes, too_long))
        number += 1
        more = await text.goes_on("]")


def broken(reason: str) -> InvalidRequest:
    """The body is no JSON."""
    return InvalidRequest(f"The request body is not valid JSON: {reason}. Nothing was created; send it again.")


def _name(raw: bytes) -> str:
    try:
        return decode_string(raw)
    except ValueError:  # msgspec's errors are such, and so is what is not UTF-8.
        raise broken("a name is missing, or is no string") from None


class _Text:
    """The body from where reading has come to. Whoever asks for more than is here waits for the next piece."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._held = bytearray()
        self._at = 0

    async def skip_mark(self) -> None:
        """PowerShell and Java put a byte order mark first (RFC 8259, 8.1, allows to ignore it)."""
        while len(self._held) < len(codecs.BOM_UTF8) and await self._more():
            pass
        if self._held.startswith(codecs.BOM_UTF8):
            self._at = len(codecs.BOM_UTF8)

    async def peek(self) -> int:
        """The next byte that is no white space; `_END` if there is none."""
        while True:
            self._at += self._passed(_BLANKS, 0)
            if self._at < len(self._held):
                return self._held[self._at]
            if not await self._more():
                return _END

    def take(self) -> None:
        self._at += 1

    async def expect(self, sign: str) -> None:
        if await self.peek() != ord(sign):
            raise broken(f"'{sign}' is missing")
        self.take()

    async def goes_on(self, end: str) -> bool:
        """Past a comma; False past `end`."""
        found = await self.peek()
        if found not in (ord(","), ord(end)):
            raise broken(_TOO_EARLY if found == _END else f"',' or '{end}' is missing after a value")
        self.take()
        return found == ord(",")

    async def value(self, most_bytes: int, too_long: str) -> bytes:
        """The next value, whatever it is."""
        first = await self.peek()
        if first == _END:
            raise broken(_TOO_EARLY)
        room = _Room(most_bytes, too_long)
        length = await (self._composite(room) if first in b'"[{' else self._scalar(room))
        room.check(length)
        value = bytes(self._held[self._at : self._at + length])
        self._at += length
        return value

    async def _composite(self, room: _Room) -> int:
        """The length of the string, array or object that begins here."""
        in_string, length = self._held[self._at] == _QUOTE, 1
        depth = 0 if in_string else 1
        while depth or in_string:
            length += self._passed(_IN_STRING if in_string else _TO_BRACKET, length)
            sign = self._held[self._at + length] if self._at + length < len(self._held) else _END
            if sign == _END or (in_string and sign != _QUOTE):  # What stops a string is its end, or an escape cut off.
                room.check(length)
                if not await self._more():
                    raise broken(_TOO_EARLY)
                continue
            length += 1
            if sign == _QUOTE:
                in_string = not in_string
            else:
                depth += 1 if sign in b"[{" else -1
            if depth > MAX_NESTING:
                raise broken(f"it nests deeper than {MAX_NESTING} levels")
        return length

    async def _scalar(self, room: _Room) -> int:
        length = 0
        while True:
            length += self._passed(_SCALAR, length)
            room.check(length)
            if self._at + length < len(self._held) or not await self._more():
                return length

    def _passed(self, pattern: re.Pattern[bytes], offset: int) -> int:
        """How many bytes match from `offset` past here; each of the patterns matches none as well."""
        start = self._at + offset
        found = pattern.match(self._held, start)
        return found.end() - start if found else 0

    async def _more(self) -> bool:
        """The next piece is here, and what was read is forgotten; False at the end of the body."""
        del self._held[: self._at]
        self._at = 0
        piece = await anext(self._body, None)
        self._held += piece or b""
        return piece is not None


@dataclass(frozen=True, slots=True)
class _Room:
    """What a value may have, and what is said of a longer one."""

    most_bytes: int
    too_long: str

    def check(self, length: int) -> None:
        if length > self.most_bytes:
            raise InvalidRequest(self.too_long)
