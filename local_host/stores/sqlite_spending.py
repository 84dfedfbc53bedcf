"""Accounts of what was reserved and spent, in SQLite. Amounts are texts: they may be larger than its integers."""

from __future__ import annotations

import sqlite3
from collections.abc import Container
from datetime import date
from typing import Final

from local_host.stores.store_database import StoreDatabase
from shared.ports.spending import Amount, Held, LimitReached, grant

SCHEMA = """
CREATE TABLE IF NOT EXISTS spending (
    account TEXT NOT NULL, day TEXT NOT NULL, batch_id TEXT NOT NULL, amount TEXT NOT NULL, step INTEGER NOT NULL,
    PRIMARY KEY (account, day, batch_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holdings (
    account TEXT NOT NULL, day TEXT NOT NULL, batch_id TEXT NOT NULL, chunk INTEGER NOT NULL, picos TEXT NOT NULL,
    PRIMARY KEY (account, day, batch_id, chunk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, day TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (account, day)
) WITHOUT ROWID;
"""
_RESERVED: Final = -1  # In place of a chunk: what is reserved for all of them.


class SqliteSpending:
    """`SpendingStore`."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def put(
        self,
        account: str,
        day: date,
        batch_id: str,
        amount: Amount,
        *,
        most: int | None = None,
        sealed: Container[int] = (),
    ) -> tuple[Amount, int]:
        key = (account, day.isoformat(), batch_id)
        return await self._database.write(lambda connection: _put(connection, key, amount, most, sealed))

    async def hold(self, account: str, day: date, batch_id: str, chunk: int, picos: int, *, most: int) -> Held:
        key = (account, day.isoformat(), batch_id)
        return await self._database.write(lambda connection: _hold(connection, key, chunk, picos, most))

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        query = "SELECT day, amount FROM balances WHERE account = ? AND day BETWEEN ? AND ?"
        values = (account, first.isoformat(), last.isoformat())
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return {date.fromisoformat(day): int(amount) for day, amount in rows}

    async def forget(self, before: date, most: int) -> int:
        return await self._database.write(lambda connection: _forget(connection, before.isoformat(), most))

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        query = "SELECT batch_id FROM spending WHERE account = ? AND day = ?"
        values = (account, day.isoformat())

        def read(connection: sqlite3.Connection) -> dict[str, Amount]:
            found = {}
            for (batch_id,) in connection.execute(query, values).fetchall():
                there, held = _row(connection, (*values, batch_id))
                reserved = there.counted(sum(held.values())) - there.amount
                found[batch_id] = Amount(there.amount, there.step, reserved)
            return found

        return await self._database.read(read)


_Key = tuple[str, str, str]
_NOTHING: Final = Amount(0, -1)  # Of a batch that only holds, or has nothing: any amount follows.


def _row(connection: sqlite3.Connection, key: _Key) -> tuple[Amount, dict[int, int]]:
    """The batch's amount, and what it holds for chunks."""
    query = "SELECT amount, step FROM spending WHERE account = ? AND day = ? AND batch_id = ?"
    row = connection.execute(query, key).fetchone()
    query = "SELECT chunk, picos FROM holdings WHERE account = ? AND day = ? AND batch_id = ?"
    held = {chunk: int(picos) for chunk, picos in connection.execute(query, key)}
    there = Amount(int(row[0]), row[1], held.pop(_RESERVED, 0)) if row else _NOTHING
    return there, held


def _balance(connection: sqlite3.Connection, key: _Key) -> int:
    row = connection.execute("SELECT amount FROM balances WHERE account = ? AND day = ?", key[:2]).fetchone()
    return int(row[0]) if row else 0


def _put(
    connection: sqlite3.Connection, key: _Key, amount: Amount, most: int | None, sealed: Container[int]
) -> tuple[Amount, int]:
    (there, held), before = _row(connection, key), _balance(connection, key)
    if there.step >= amount.step:
        return there, before
    left = {chunk: picos for chunk, picos in held.items() if chunk not in sealed}
    after = before + amount.counted(sum(left.values())) - there.counted(sum(held.values()))
    if most is not None and after > max(most, before):
        raise LimitReached(before)
    _write(connection, key, amount, left, after)
    return amount, after


def _hold(connection: sqlite3.Connection, key: _Key, chunk: int, picos: int, most: int) -> Held:
    (there, held), before = _row(connection, key), _balance(connection, key)
    total = sum(held.values())
    counted = there.counted(total)
    own = held.get(chunk, 0)
    granted = grant(there, total, picos, own=own, others=before - counted, most=most)
    if granted.picos != own:
        held[chunk] = granted.picos
        _write(connection, key, there, held, before - counted + there.counted(sum(held.values())))
    return granted


def _forget(connection: sqlite3.Connection, before: str, most: int) -> int:
    query = """SELECT account, day, batch_id FROM spending WHERE day < ? ORDER BY day, account, batch_id LIMIT ?"""
    keys = connection.execute(query, (before, most)).fetchall()
    for table in ("spending", "holdings"):
        connection.executemany(f"DELETE FROM {table} WHERE account = ? AND day = ? AND batch_id = ?", keys)
    return len(keys)


def _write(connection: sqlite3.Connection, key: _Key, amount: Amount, held: dict[int, int], balance: int) -> None:
    values = (*key, str(amount.amount), amount.step)
    connection.execute("INSERT OR REPLACE INTO spending VALUES (?, ?, ?, ?, ?)", values)
    connection.execute("DELETE FROM holdings WHERE account = ? AND day = ? AND batch_id = ?", key)
    rows = [(*key, chunk, str(picos)) for chunk, picos in {**held, _RESERVED: amount.reserved}.items() if picos]
    connection.executemany("INSERT INTO holdings VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("INSERT OR REPLACE INTO balances VALUES (?, ?, ?)", (*key[:2], str(balance)))
