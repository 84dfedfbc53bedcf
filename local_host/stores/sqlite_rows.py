"""What the stores in SQLite have in common: the record as JSON in a BLOB, beside it the columns that queries need.

Each passes the conformance suite of `shared.ports` (tests/contracts), and holds no rule of the product.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from shared.ports.base import AlreadyExists, Changed

PAGE = 200
AFTER_ALL_IDS = "g"  # Past every hex digit.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Since 1970, as columns of times hold it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


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
