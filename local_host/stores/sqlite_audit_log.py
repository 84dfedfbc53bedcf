"""The audit log in SQLite."""

from __future__ import annotations

import builtins

import msgspec

from local_host.stores.sqlite_rows import insert, walk
from local_host.stores.store_database import StoreDatabase
from shared.domain.keys.audit import AuditEvent, AuditFilter
from shared.stored_records import sound_rows

SCHEMA = """
CREATE TABLE IF NOT EXISTS audit_log (id TEXT NOT NULL PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
"""


class SqliteAuditLog:
    """`AuditLog`."""

    def __init__(self, database: StoreDatabase) -> None:
        self._database = database

    async def append(self, event: AuditEvent) -> None:
        values = (event.id, msgspec.json.encode(event))
        await self._database.write(lambda connection: insert(connection, "audit_log", values))

    async def list(
        self, wanted: AuditFilter, *, after: str | None = None, before: str | None = None, limit: int
    ) -> builtins.list[AuditEvent]:
        span = wanted.span(after, before)
        if span is None:
            return []
        if before is None or after is not None:
            return await self._newest(span, wanted, limit)
        return (await self._oldest(span, wanted, limit))[::-1]

    async def _newest(self, span: tuple[str, str], wanted: AuditFilter, limit: int) -> builtins.list[AuditEvent]:
        query = "SELECT id, record FROM audit_log WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?"
        oldest, newest = span
        rows = walk(self._database, query, oldest, after=(newest,))
        return await sound_rows(rows, AuditEvent, limit, wanted.allows)

    async def _oldest(self, span: tuple[str, str], wanted: AuditFilter, limit: int) -> builtins.list[AuditEvent]:
        query = "SELECT id, record FROM audit_log WHERE id < ? AND id > ? ORDER BY id LIMIT ?"
        oldest, newest = span
        rows = walk(self._database, query, newest, after=(oldest,))
        return await sound_rows(rows, AuditEvent, limit, wanted.allows)
