"""What the stores in SQLite have in common: the record as JSON in a BLOB, beside it the columns that queries need.

Each passes the conformance suite of `shared.ports` (tests/contracts), and holds no rule of the product.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from local_host.stores.store_database import StoreDatabase
from shared.ports.base import AlreadyExists, Changed, Stored
from shared.stored_records import read_record

T = TypeVar("T")

_PAGE = 200
AFTER_ALL_IDS = "g"  # Past every hex digit.
BEFORE_ALL_TIMES = -(1 << 62)  # In microseconds.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Since 1970, as columns of times hold it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


async def walk(
    database: StoreDatabase, query: str, *values: object, after: tuple[object, ...]
) -> AsyncIterator[tuple[Any, ...]]:
    """Every row of `query`, read page by page; rows that come or go meanwhile move no others.

    The query takes `values`, the position, of which `after` is the first, and a limit; its rows are in order of the
    position, and begin with it.
    """
    while True:
        page = (*values, *after, _PAGE)
        rows = await database.read(partial(_fetch, query, page))
        for row in rows:
            yield row
        if len(rows) < _PAGE:
            return
        after = rows[-1][: len(after)]


def _fetch(query: str, values: tuple[object, ...], connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(query, values).fetchall()


async def find(database: StoreDatabase, query: str, key: tuple[object, ...], kind: type[T]) -> Stored[T] | None:
    """The record and its version, which `query` selects by `key`. Raises Damaged."""
    rows = await database.read(partial(_fetch, query, key))
    return Stored(read_record(rows[0][0], kind), str(rows[0][1])) if rows else None


def insert(connection: sqlite3.Connection, table: str, values: tuple[object, ...]) -> None:
    """A row of `values`, of which the first or first two are the key. Raises AlreadyExists."""
    marks = ", ".join("?" * len(values))
    if connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", values).rowcount == 0:
        raise AlreadyExists(f"The id is taken in {table}.")


def conditional(connection: sqlite3.Connection, query: str, values: tuple[object, ...]) -> str:
    """The new version, which `query` returns if it wrote a row. Raises Changed if it did not."""
    rows = connection.execute(query, values).fetchall()
    if not rows:
        raise Changed("The record was changed by someone else since it was read; read it again.")
    return str(rows[0][0])
