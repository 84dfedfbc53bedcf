"""Records as stores keep them, JSON, read back: one that does not decode is told, and stops nothing but itself.

Rule: whoever asks for the one record hears that it is damaged; whoever lists many gets the others.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from shared.domain.errors import Damaged

T = TypeVar("T")
log = logging.getLogger(__name__)

_MOST_TOLD = 1000
_told: set[tuple[str, str]] = set()  # Some lists are read every few seconds; one line for each record is enough.


def read_record(record: bytes, kind: type[T]) -> T:
    """Raises Damaged."""
    try:
        return msgspec.json.decode(record, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged(
            "The record of this object is damaged and cannot be read. Tell the service's operator; other objects are "
            "not concerned."
        ) from error


def read_if_sound(record: bytes, kind: type[T], key: str) -> T | None:
    """None for a record that does not decode, which the log then names: `key` is its id, or the key of its row."""
    try:
        return read_record(record, kind)
    except Damaged:
        tell_damaged(kind, key)
        return None


def tell_damaged(kind: type, key: str) -> None:
    """Once for each record, as long as there are not very many."""
    name = (kind.__name__, key)
    if name not in _told and len(_told) < _MOST_TOLD:
        _told.add(name)
        log.warning(
            "A stored record is damaged and left out. Restore it from a copy, or remove its row.",
            extra={"action": "record_damaged", "kind": kind.__name__, "key": key},
        )


async def sound_rows(
    rows: AsyncIterator[tuple[str, bytes]], kind: type[T], limit: int, wanted: Callable[[T], bool] = lambda _: True
) -> list[T]:
    """Up to `limit` records that are wanted, in the order of the rows (id, record), the damaged ones left out."""
    found: list[T] = []
    async for row_id, record in rows:
        value = read_if_sound(record, kind, row_id)
        if value is not None and wanted(value):
            found.append(value)
        if len(found) == limit:
            break
    return found


async def sound_page(
    fetch: Callable[[str | None, int], Awaitable[Sequence[tuple[str, bytes]]]],
    kind: type[T],
    after: str | None,
    limit: int,
) -> list[T]:
    """Up to `limit` records past the id `after`, the damaged ones left out.

    `fetch` gives the ids and records of so many rows past an id: fewer mean that there are no more.
    """
    found: list[T] = []
    while (wanted := limit - len(found)) > 0:
        rows = await fetch(after, wanted)
        read = (read_if_sound(record, kind, row_id) for row_id, record in rows)
        found += [one for one in read if one is not None]
        if len(rows) < wanted:
            break
        after = rows[-1][0]
    return found
