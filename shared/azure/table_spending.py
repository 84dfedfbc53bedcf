"""Accounts of what was reserved and spent, in Table Storage: partition = account; a row for each day, and each batch's.

An entity group transaction writes a batch's amount and the day's balance in one step.
"""

from __future__ import annotations

import asyncio
import random
from datetime import date, timedelta
from typing import Final

import msgspec

from shared.azure.names import Key, compound, table_key
from shared.azure.tables import Table, Write
from shared.ports.base import Changed
from shared.ports.spending import Amount, LimitReached
from shared.stored_records import read_record

_PAUSE_SECONDS: Final = 0.05  # At most, before the next try of one that others were before.


class _Record(msgspec.Struct, frozen=True):
    """The amount is a text: it may be larger than the numbers of other languages. `name`: a batch's id, or the day."""

    amount: str
    name: str
    step: int = 0


class TableSpending:
    """`SpendingStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def put(
        self, account: str, day: date, batch_id: str, amount: Amount, *, most: int | None = None
    ) -> tuple[Amount, int]:
        while True:
            try:
                return await self._put(table_key(account), day, batch_id, amount, most)
            except Changed:
                await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))

    async def _put(
        self, partition: Key, day: date, batch_id: str, amount: Amount, most: int | None
    ) -> tuple[Amount, int]:
        own, of_day = compound(day.isoformat(), batch_id), _balance_key(day)
        row, total = await asyncio.gather(
            self._table.find(partition, own, _Record), self._table.find(partition, of_day, _Record)
        )
        before = int(total.value.amount) if total else 0
        if row is not None and row.value.step >= amount.step:
            return Amount(int(row.value.amount), row.value.step), before
        after = before + amount.amount - (int(row.value.amount) if row else 0)
        if most is not None and after > max(most, before):
            raise LimitReached(before)
        record = _Record(str(amount.amount), batch_id, amount.step)
        balance = _Record(str(after), day.isoformat())
        await self._table.put_all(
            partition,
            Write(own, msgspec.json.encode(record), row.version if row else None),
            Write(of_day, msgspec.json.encode(balance), total.version if total else None),
        )
        return amount, after

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        past, before = _balance_key(first - timedelta(days=1)), _balance_key(last + timedelta(days=1))
        found = await self._records(table_key(account), past, before)
        return {date.fromisoformat(each.name): int(each.amount) for each in found}

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        found = await self._records(table_key(account), *_batches_of(day))
        return {each.name: Amount(int(each.amount), each.step) for each in found}

    async def _records(self, partition: Key, past: Key, before: Key) -> list[_Record]:
        rows = self._table.query(partition, past=past, before=before)
        return [read_record(row.record, _Record) async for row in rows]


def _balance_key(day: date) -> Key:
    """No batch's key begins with `$` (see `table_key`)."""
    return Key(f"$balance_{day.isoformat()}")


def _batches_of(day: date) -> tuple[Key, Key]:
    """The bounds, both exclusive, of the keys of all batches of a day."""
    return Key(f"{table_key(day.isoformat())}_"), Key(f"{table_key(day.isoformat())}`")  # The character after `_`.
