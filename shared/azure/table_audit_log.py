"""The audit log in Table Storage: partition = inverted month, row key = inverted id.

So the order of the table is newest first, and a list reads the months that it may find something in. What a list is
narrowed by are columns, so that the service leaves out the rest.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import msgspec

from shared.azure.names import month, newest_first, table_key
from shared.azure.tables import MOST_COMPARISONS, Row, Table, first_sound
from shared.domain.keys.audit import AuditEvent, AuditFilter

_ALL = sys.maxsize
_LARGE = 1000


class TableAuditLog:
    """`AuditLog`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def append(self, event: AuditEvent) -> None:
        columns = {name: table_key(text) for name, text in _columns(event).items() if text is not None}
        await self._table.insert(month(event.id), newest_first(event.id), msgspec.json.encode(event), **columns)

    async def list(
        self, wanted: AuditFilter, *, after: str | None = None, before: str | None = None, limit: int
    ) -> list[AuditEvent]:
        """With `before` alone, reads all that is newer: tables have no descending order."""
        span = wanted.span(after, before)
        if span is None:
            return []
        if before is None or after is not None:
            return await first_sound(self._between(span, wanted, limit), AuditEvent, limit, wanted.allows)
        return (await first_sound(self._between(span, wanted, _LARGE), AuditEvent, _ALL, wanted.allows))[-limit:]

    def _between(self, span: tuple[str, str], wanted: AuditFilter, page: int) -> AsyncIterator[Row]:
        oldest, newest = span
        months, keys = (month(newest), month(oldest)), (newest_first(newest), newest_first(oldest))
        return self._table.query_between(months, keys, one_of=_one_of(wanted), page=page)


def _columns(event: AuditEvent) -> dict[str, str | None]:
    return {
        "Type": event.type,
        "Project": event.project_id,
        "Actor": event.actor.id,
        "Resource": event.resource_id,
    }


def _one_of(wanted: AuditFilter) -> dict[str, list[str]]:
    """As much of the filter as one query takes; the rest is left to `allows`."""
    room = MOST_COMPARISONS - 4
    given = {
        "Type": wanted.types,
        "Project": wanted.project_ids,
        "Actor": wanted.actor_ids,
        "Resource": wanted.resource_ids,
    }
    found: dict[str, list[str]] = {}
    for column, texts in given.items():
        if 0 < len(texts) <= room:
            found[column] = [table_key(text) for text in texts]
            room -= len(texts)
    return found
