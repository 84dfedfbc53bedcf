"""Records that expire, found by their markers: one a record, in the partition `$expiry`, in the order of their time.

A marker is written before its record and removed after it; one whose record is gone is cleaned when its time comes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, TypeVar

from shared.azure.names import EXPIRY, Key, compound, moment, table_key, until
from shared.azure.tables import Table
from shared.stored_records import read_if_sound


class Marker(Protocol):
    """What a marker holds: where its record is. `key` is the record's row key, in the partition of `owner`."""

    @property
    def owner(self) -> str: ...

    @property
    def key(self) -> Key: ...


T = TypeVar("T")


def expiry_key(expires_at: datetime, record_id: str, owner: str) -> Key:
    """The row key of the marker of a record."""
    return compound(moment(expires_at), record_id, owner)


async def expired_records(table: Table, now: datetime, marker: type[Marker], record: type[T]) -> AsyncIterator[T]:
    """Those whose time is over, the oldest first."""
    async for row in table.query(EXPIRY, before=until(now)):
        mark = read_if_sound(row.record, marker, row.key)
        if mark is None:
            continue
        found = await table.get(table_key(mark.owner), mark.key)
        if found is None:
            await table.delete(EXPIRY, row.key)
        elif (sound := read_if_sound(found.record, record, mark.key)) is not None:
            yield sound
