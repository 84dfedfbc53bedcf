"""Accounts of what was reserved and spent, in SQLite. Amounts are texts: they may be larger than its integers."""

from __future__ import annotations

import sqlite3
from datetime import date

from local_host.stores.store_database import StoreDatabase
from shared.ports.spending import Amount, LimitReached

SCHEMA = """
CREATE TABLE IF NOT EXISTS spending (
    account TEXT NOT NULL, day TEXT NOT NULL, batch_id TEXT NOT NULL, amount TEXT NOT NULL, step INTEGER NOT NULL,
    PRIMARY KEY (account, day, batch_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, day TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (account, day)
) WITHOUT ROWID;
"""


class SqliteSpending:
    """`SpendingStore`."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def put(
        self, account: str, day: date, batch_id: str, amount: Amount, *, most: int | None = None
    ) -> tuple[Amount, int]:
        key = (account, day.isoformat(), batch_id)
        return await self._database.write(lambda connection: _put(connection, key, amount, most))

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        query = "SELECT day, amount FROM balances WHERE account = ? AND day BETWEEN ? AND ?"
        values = (account, first.isoformat(), last.isoformat())
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return {date.fromisoformat(day): int(amount) for day, amount in rows}

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        query = "SELECT batch_id, amount, step FROM spending WHERE account = ? AND day = ?"
        values = (account, day.isoformat())
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return {batch_id: Amount(int(amount), step) for batch_id, amount, step in rows}


def _put(
    connection: sqlite3.Connection, key: tuple[str, str, str], amount: Amount, most: int | None
) -> tuple[Amount, int]:
    of_batch = "SELECT amount, step FROM spending WHERE account = ? AND day = ? AND batch_id = ?"
    of_day = "SELECT amount FROM balances WHERE account = ? AND day = ?"
    row = connection.execute(of_batch, key).fetchone()
    there = Amount(int(row[0]), row[1]) if row else None
    row = connection.execute(of_day, key[:2]).fetchone()
    before = int(row[0]) if row else 0
    if there is not None and there.step >= amount.step:
        return there, before
    after = before + amount.amount - (there.amount if there else 0)
    if most is not None and after > max(most, before):
        raise LimitReached(before)
    values = (*key, str(amount.amount), amount.step)
    connection.execute("INSERT OR REPLACE INTO spending VALUES (?, ?, ?, ?, ?)", values)
    connection.execute("INSERT OR REPLACE INTO balances VALUES (?, ?, ?)", (*key[:2], str(after)))
    return amount, after
