"""Identifiers: one canonical form inside, 32 lower-case hex digits in UUIDv7 layout, so that ids sort by creation.

Every dialect spells the same 128 bits its own way (`vendors/`); `parse` reads all spellings, which is why an
object made through one dialect is found through every other. Pure: callers hand in the clock and the randomness.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HEX = re.compile(r"[0-9a-f]{32}")
_BASE62_ID = re.compile(r"[0-9A-Za-z]{22}")


def new_id(at: datetime, randomness: bytes) -> str:
    """A fresh id created `at`; `randomness` is at least 10 random bytes."""
    return _compose(at, int.from_bytes(randomness[:10], "big"))


def derived_id(at: datetime, *names: str) -> str:
    """The same id for the same arguments: what a repeated activity must create again under the same name."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return _compose(at, int.from_bytes(digest[:10], "big"))


def _compose(at: datetime, low: int) -> str:
    milliseconds = int(at.timestamp() * 1000)
    rand_a = low >> 62 & 0xFFF
    rand_b = low & (1 << 62) - 1
    return f"{milliseconds << 80 | 7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b:032x}"


def is_id(text: str) -> bool:
    """Whether it is a canonical id. What is none names nothing of ours: say so without asking a store."""
    return _HEX.fullmatch(text) is not None


def created_at(value: str) -> datetime:
    """When the id was made, to the millisecond. Raises ValueError if it is no canonical id."""
    if not is_id(value):
        raise ValueError(f"{value!r} is no id")
    return datetime.fromtimestamp(int(value[:12], 16) / 1000, UTC)


def first_id(at: datetime) -> str:
    """Before every id that is made `at` or later, and after all others."""
    return f"{max(0, int(at.timestamp() * 1000)):012x}{0:020x}"


def is_made_before(value: str, moment: datetime) -> bool:
    """Whether it is a canonical id, and one that was made before `moment`."""
    return is_id(value) and int(value[:12], 16) < moment.timestamp() * 1000


def to_uuid(value: str) -> str:
    """Canonical id as a UUID with dashes (Azure)."""
    return str(uuid.UUID(value))


def to_base62(value: str) -> str:
    """Canonical id as 22 base62 characters (OpenAI's file ids)."""
    return base62(int(value, 16), 22)


def base62(number: int, digits: int) -> str:
    """The last `digits` digits of `number`."""
    found = []
    for _ in range(digits):
        number, digit = divmod(number, 62)
        found.append(_BASE62[digit])
    return "".join(reversed(found))


def _from_base62(text: str) -> str | None:
    number = 0
    for character in text:
        number = number * 62 + _BASE62.index(character)
    return f"{number:032x}" if number < 1 << 128 else None


def parse(text: str, *prefixes: str) -> str | None:
    """The canonical id behind any dialect's spelling (`prefix` + hex, UUID or base62), or None if it is no id."""
    for prefix in prefixes:
        text = text.removeprefix(prefix)
    dashless = text.replace("-", "").lower() if len(text) == 36 else text
    if _HEX.fullmatch(dashless):
        return dashless
    if _BASE62_ID.fullmatch(text):
        return _from_base62(text)
    return None
