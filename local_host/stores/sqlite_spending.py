"""Accounts of what was reserved and spent, in SQLite. Amounts are texts: they may be larger than its integers."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from local_host.stores.store_database import StoreDatabase
from shared.ports.spending import LimitReached

SCHEMA = """
CREATE TABLE IF NOT EXISTS spending (
    account TEXT NOT NULL, entry TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (account, entry)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (account TEXT NOT NULL PRIMARY KEY, amount TEXT NOT NULL) WITHOUT ROWID;
"""


class SqliteSpending:
    """`SpendingStore`."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def balance(self, account: str) -> int:
        return await self._database.read(lambda connection: _balance(connection, account))

    async def add(self, account: str, entries: Mapping[str, int], *, most: int | None = None) -> int:
        return await self._database.write(lambda connection: _add(connection, account, entries, most))

    async def entries(self, account: str) -> dict[str, int]:
        query = "SELECT entry, amount FROM spending WHERE account = ?"
        rows = await self._database.read(lambda connection: connection.execute(query, (account,)).fetchall())
        return {entry: int(amount) for entry, amount in rows}

    async def delete(self, account: str) -> None:
        def remove(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM spending WHERE account = ?", (account,))
            connection.execute("DELETE FROM balances WHERE account = ?", (account,))

        await self._database.write(remove)


def _balance(connection: sqlite3.Connection, account: str) -> int:
    row = connection.execute("SELECT amount FROM balances WHERE account = ?", (account,)).fetchone()
    return int(row[0]) if row else 0


def _add(connection: sqlite3.Connection, account: str, entries: Mapping[str, int], most: int | None) -> int:
    marks = ", ".join("?" * len(entries))
    known = connection.execute(
        f"SELECT entry FROM spending WHERE account = ? AND entry IN ({marks})", (account, *entries)
    ).fetchall()
    new = {entry: amount for entry, amount in entries.items() if (entry,) not in known}
    before = _balance(connection, account)
    after = before + sum(new.values())
    if new and most is not None and after > most:
        raise LimitReached(before)
    rows = [(account, entry, str(amount)) for entry, amount in new.items()]
    connection.executemany("INSERT INTO spending VALUES (?, ?, ?)", rows)
    connection.execute("INSERT OR REPLACE INTO balances VALUES (?, ?)", (account, str(after)))
    return after
