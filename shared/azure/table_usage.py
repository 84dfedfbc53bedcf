"""The ledger in Table Storage: the rows of an hour are a partition, in order of their projects.

Rollups of one width are a partition, in order of time, so that a report of all projects is one range query; the column
`Project` narrows it to one. Hours that are due are a partition as well: an hour's mark is written after its rows.
"""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from shared.azure.names import FIRST, HOURS_DUE, Key, compound, moment, rollups_of, row_of, rows_of, table_key
from shared.azure.table_clearing import delete_some
from shared.azure.tables import Table
from shared.domain.usage.ledger import LedgerHour, LedgerRow, Rollup, Width
from shared.ports.base import Stored
from shared.stored_records import read_if_sound, read_record

_FIRST_HOUR: Final = Key("0")  # Past the partitions that begin with `$`.


class TableUsage:
    """`UsageStore`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def write(self, rows: Sequence[LedgerRow]) -> None:
        hour = rows[0].hour
        records = [(_row_key(row), msgspec.json.encode(row)) for row in rows]
        await self._table.upsert_all(table_key(moment(hour.start)), records)
        await self._table.upsert(HOURS_DUE, _hour_key(hour), msgspec.json.encode(hour))

    async def rows(self, hour: datetime, project: str | None = None) -> AsyncIterator[LedgerRow]:
        past, before = (FIRST, None) if project is None else rows_of(project)
        async for row in self._table.query(table_key(moment(hour)), past=past, before=before):
            yield read_record(row.record, LedgerRow)

    async def forget(self, before: datetime, most: int) -> int:
        return await delete_some(self._table, _FIRST_HOUR, table_key(moment(before)), most)

    async def due(self) -> builtins.list[Stored[LedgerHour]]:
        marks = [(row, read_if_sound(row.record, LedgerHour, row.key)) async for row in self._table.query(HOURS_DUE)]
        return [Stored(hour, row.version) for row, hour in marks if hour is not None]

    async def settle(self, hour: LedgerHour, version: str) -> None:
        await self._table.delete_if(HOURS_DUE, _hour_key(hour), version)

    async def rollup(self, project: str, width: Width, start: datetime) -> Stored[Rollup] | None:
        return await self._table.find(rollups_of(width), compound(moment(start), project), Rollup)

    async def put_rollup(self, rollup: Rollup, version: str | None) -> None:
        key, record = compound(moment(rollup.start), rollup.project), msgspec.json.encode(rollup)
        await self._table.put(rollups_of(rollup.width), key, record, version, Project=table_key(rollup.project))

    async def rollups(
        self, width: Width, first: datetime, until: datetime, project: str | None = None
    ) -> AsyncIterator[Rollup]:
        equal = {} if project is None else {"Project": table_key(project)}
        past, before = table_key(moment(first)), table_key(moment(until))
        async for row in self._table.query(rollups_of(width), past=past, before=before, equal=equal):
            yield read_record(row.record, Rollup)


def _hour_key(hour: LedgerHour) -> Key:
    return compound(moment(hour.start), hour.project)


def _row_key(row: LedgerRow) -> Key:
    return row_of(row.project, row.batch_id, f"{row.chunk:06d}")
