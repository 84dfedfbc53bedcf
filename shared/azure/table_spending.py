"""Accounts of what was reserved and spent, in Table Storage: partition = account; a row an entry, and one the balance.

An entity group transaction writes entries and balance in one step.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.azure.names import Key, table_key
from shared.azure.tables import Table
from shared.ports.base import AlreadyExists, Changed
from shared.ports.spending import LimitReached
from shared.stored_records import read_record

_BALANCE: Final = Key("$balance")  # No entry's key begins with `$` (see `table_key`).
_PAUSE_SECONDS: Final = 0.05  # At most, before the next try of one that others were before.


class _Amount(msgspec.Struct, frozen=True):
    """A text: it may be larger than the numbers of other languages. `entry`: whose it is."""

    amount: str
    entry: str = ""


class TableSpending:
    """`SpendingStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def balance(self, account: str) -> int:
        return (await self._balance(table_key(account)))[0]

    async def add(self, account: str, entries: Mapping[str, int], *, most: int | None = None) -> int:
        partition, new = table_key(account), dict(entries)
        while True:
            before, version = await self._balance(partition)
            if not new:
                return before
            after = before + sum(new.values())
            if most is not None and after > most:
                new = await self._missing(partition, new)
                if new and before + sum(new.values()) > most:
                    raise LimitReached(before)
                continue
            rows = {table_key(entry): _record(amount, entry) for entry, amount in new.items()}
            try:
                await self._table.insert_all(partition, rows, _BALANCE, _record(after), version)
            except AlreadyExists:
                new = await self._missing(partition, new)
            except Changed:
                await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))
            else:
                return after

    async def _missing(self, partition: Key, entries: Mapping[str, int]) -> dict[str, int]:
        there = await asyncio.gather(*(self._table.get(partition, table_key(entry)) for entry in entries))
        return {entry: amount for (entry, amount), row in zip(entries.items(), there, strict=True) if row is None}

    async def _balance(self, partition: Key) -> tuple[int, str | None]:
        stored = await self._table.find(partition, _BALANCE, _Amount)
        return (int(stored.value.amount), stored.version) if stored else (0, None)

    async def entries(self, account: str) -> dict[str, int]:
        rows = [row async for row in self._table.query(table_key(account)) if row.key != _BALANCE]
        amounts = [read_record(row.record, _Amount) for row in rows]
        return {each.entry: int(each.amount) for each in amounts}

    async def delete(self, account: str) -> None:
        partition = table_key(account)
        async for row in self._table.query(partition):
            await self._table.delete(partition, row.key)


def _record(amount: int, entry: str = "") -> bytes:
    return msgspec.json.encode(_Amount(str(amount), entry))
