"""The audit log in Table Storage: partition = inverted month, row key = inverted id.

So the order of the table is newest first, and a list reads the months that it may find something in.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import msgspec

from shared.azure.names import month, newest_first
from shared.azure.tables import Row, Table, first_sound
from shared.domain.keys.audit import AuditEvent, AuditFilter

_ALL = sys.maxsize
_LARGE = 1000


class TableAuditLog:
    """`AuditLog`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def append(self, event: AuditEvent) -> None:
        await self._table.insert(month(event.id), newest_first(event.id), msgspec.json.encode(event))

    async def list(
        self, wanted: AuditFilter, *, after: str | None = None, before: str | None = None, limit: int
    ) -> list[AuditEvent]:
        """With `before` alone, reads all that is newer: tables have no descending order."""
        span = wanted.span(after, before)
        if span is None:
            return []
        if before is None or after is not None:
            rows = self._between(span, page=_LARGE if wanted.is_narrow else limit)
            return await first_sound(rows, AuditEvent, limit, wanted.allows)
        return (await first_sound(self._between(span, page=_LARGE), AuditEvent, _ALL, wanted.allows))[-limit:]

    def _between(self, span: tuple[str, str], page: int) -> AsyncIterator[Row]:
        oldest, newest = span
        months, keys = (month(newest), month(oldest)), (newest_first(newest), newest_first(oldest))
        return self._table.query_between(months, keys, page=page)
