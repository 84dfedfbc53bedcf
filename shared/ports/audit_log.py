"""The audit log: what administrators did."""

from __future__ import annotations

from typing import Protocol

from shared.domain.keys.audit import AuditEvent, AuditFilter


class AuditLog(Protocol):
    """Events of the whole service; there are few a day. None is ever changed or removed."""

    async def append(self, event: AuditEvent) -> None:
        """Raises AlreadyExists: an id is written once."""
        ...

    async def list(
        self, wanted: AuditFilter, *, after: str | None = None, before: str | None = None, limit: int
    ) -> list[AuditEvent]:
        """At most `limit` events that are wanted, newest first.

        `after`: those older than that id, next to it. `before`: those newer than that id, without `after` next to it:
        the page that came before. Both are positions; where one is no id, nothing is found.
        """
        ...
