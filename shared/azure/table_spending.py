"""Accounts of what was reserved and spent, in Table Storage: partition = account; a row for each day, and each batch's.

The partition `$days` has a mark for each account and day with amounts that are not forgotten yet.

An entity group transaction writes a batch's amount and the day's balance in one step.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Container, Mapping
from datetime import date, timedelta
from typing import Final

import msgspec

from shared.azure.names import DAYS_SPENT, Key, compound, table_key
from shared.azure.table_clearing import delete_between
from shared.azure.tables import Table, Write
from shared.ports.base import Changed, Stored
from shared.ports.spending import Amount, Held, LimitReached, grant
from shared.stored_records import read_record

_PAUSE_SECONDS: Final = 0.05  # At most, before the next try of one that others were before.


class _Record(msgspec.Struct, frozen=True):
    """Amounts are texts: they may be larger than the numbers of other languages. `name`: a batch's id, or the day.

    `held`: for chunks, by index.
    """

    amount: str
    name: str
    step: int = 0
    reserved: str = "0"
    held: Mapping[str, str] = {}

    @property
    def value(self) -> Amount:
        return Amount(int(self.amount), self.step, int(self.reserved))

    @property
    def held_picos(self) -> int:
        return sum(map(int, self.held.values()))

    @property
    def counted(self) -> int:
        return self.value.counted(self.held_picos)


_NOTHING: Final = -1  # The step of a batch that only holds, and that any amount follows.


_Step = Callable[[_Record, int], tuple[_Record, int] | None]


class TableSpending:
    """`SpendingStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

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
        def step(row: _Record, before: int) -> tuple[_Record, int] | None:
            if row.step >= amount.step:
                return None
            held = {chunk: picos for chunk, picos in row.held.items() if int(chunk) not in sealed}
            record = _Record(str(amount.amount), batch_id, amount.step, str(amount.reserved), held)
            after = before + record.counted - row.counted
            if most is not None and after > max(most, before):
                raise LimitReached(before)
            return record, after

        row, balance = await self._change(account, day, batch_id, step)
        return row.value, balance

    async def hold(self, account: str, day: date, batch_id: str, chunk: int, picos: int, *, most: int) -> Held:
        granted = Held(0, 0)

        def step(row: _Record, before: int) -> tuple[_Record, int] | None:
            nonlocal granted
            own = int(row.held.get(str(chunk), "0"))
            granted = grant(row.value, row.held_picos, picos, own=own, others=before - row.counted, most=most)
            if granted.picos == own:
                return None
            record = msgspec.structs.replace(row, held={**row.held, str(chunk): str(granted.picos)})
            return record, before + record.counted - row.counted

        await self._change(account, day, batch_id, step)
        return granted

    async def _change(self, account: str, day: date, batch_id: str, step: _Step) -> tuple[_Record, int]:
        """The batch's row and the day's balance after `step`, which sees both as they are; None leaves them so."""
        while True:
            try:
                return await self._try(table_key(account), day, batch_id, step)
            except Changed:
                await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS))

    async def _try(self, partition: Key, day: date, batch_id: str, step: _Step) -> tuple[_Record, int]:
        own, of_day = compound(day.isoformat(), batch_id), _balance_key(day)
        row, total = await asyncio.gather(
            self._table.find(partition, own, _Record), self._table.find(partition, of_day, _Record)
        )
        there, before = row.value if row else _Record("0", batch_id, _NOTHING), int(total.value.amount) if total else 0
        changed = step(there, before)
        if changed is None:
            return there, before
        if total is None:  # Before it: whoever forgets finds the day then.
            await self._table.upsert(DAYS_SPENT, compound(day.isoformat(), partition), msgspec.json.encode(partition))
        balance = _Record(str(changed[1]), day.isoformat())
        await self._table.put_all(partition, _write(own, changed[0], row), _write(of_day, balance, total))
        return changed

    async def balances(self, account: str, first: date, last: date) -> dict[date, int]:
        past, before = _balance_key(first - timedelta(days=1)), _balance_key(last + timedelta(days=1))
        found = await self._records(table_key(account), past, before)
        return {date.fromisoformat(each.name): int(each.amount) for each in found}

    async def forget(self, before: date, most: int) -> int:
        removed = 0
        async for mark in self._table.query(DAYS_SPENT, before=table_key(before.isoformat())):
            partition = read_record(mark.record, Key)
            day = date.fromisoformat(mark.key[: len(before.isoformat())])
            removed += await delete_between(self._table, partition, *_batches_of(day), most - removed)
            if removed >= most:  # There may be more of this day.
                break
            await self._table.delete(DAYS_SPENT, mark.key)
        return removed

    async def amounts(self, account: str, day: date) -> dict[str, Amount]:
        found = await self._records(table_key(account), *_batches_of(day))
        return {
            each.name: msgspec.structs.replace(each.value, reserved=each.counted - int(each.amount)) for each in found
        }

    async def _records(self, partition: Key, past: Key, before: Key) -> list[_Record]:
        rows = self._table.query(partition, past=past, before=before)
        return [read_record(row.record, _Record) async for row in rows]


def _write(key: Key, record: _Record, stored: Stored[_Record] | None) -> Write:
    return Write(key, msgspec.json.encode(record), stored.version if stored else None)


def _balance_key(day: date) -> Key:
    """No batch's key begins with `$` (see `table_key`)."""
    return Key(f"$balance_{day.isoformat()}")


def _batches_of(day: date) -> tuple[Key, Key]:
    """The bounds, both exclusive, of the keys of all batches of a day."""
    return Key(f"{table_key(day.isoformat())}_"), Key(f"{table_key(day.isoformat())}`")  # The character after `_`.
