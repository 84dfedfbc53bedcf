"""Bytes that no record names: noted first, and removed only when no record has named them for a month.

Rule: nothing is removed because tables do not know it. They may be the ones that are wrong: lost, emptied, of another
account, or older than the blobs. Whatever a record names again is left alone, and its note goes.
A note is a small blob under `lost+found/` whose name says what is unnamed and since when.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta

from shared.services import Services

log = logging.getLogger(__name__)

NOTES_PREFIX = "lost+found/"
KEPT = timedelta(days=30)


async def remove_unnamed(
    service: Services, kind: str, unnamed: Collection[str], remove: Callable[[str], Awaitable[object]]
) -> int:
    """One sweep over all that is `unnamed` now; `kind` tells its notes from others'. Returns how many were removed."""
    now, noted = service.now(), await _noted(service, kind)
    fresh = set(unnamed) - noted.keys()
    for what in fresh:
        await service.stores.blobs.put(_note(kind, what, now), _text(what, now))
    if fresh:
        extra = {"action": "unnamed_noted", "kind": kind, "count": len(fresh)}
        log.warning("Blobs that no record names were found; they are kept for 30 days.", extra=extra)
    overdue = [what for what, since in noted.items() if what in unnamed and since <= now - KEPT]
    for what in overdue:
        await remove(what)
    for what in noted.keys() - set(unnamed) | set(overdue):
        await service.stores.blobs.delete_prefix(f"{NOTES_PREFIX}{kind}/{what}/")
    return len(overdue)


async def _noted(service: Services, kind: str) -> dict[str, datetime]:
    """What there are notes of, and since when; of two notes of one thing the older one counts."""
    noted: dict[str, datetime] = {}
    async for name in service.stores.blobs.names(f"{NOTES_PREFIX}{kind}/"):
        what, _, day = name.removeprefix(f"{NOTES_PREFIX}{kind}/").rpartition("/")
        since = datetime.fromisoformat(day).replace(tzinfo=UTC)
        noted[what] = min(since, noted.get(what, since))
    return noted


def _note(kind: str, what: str, now: datetime) -> str:
    return f"{NOTES_PREFIX}{kind}/{what}/{now.astimezone(UTC):%Y-%m-%d}"


def _text(what: str, now: datetime) -> bytes:
    return (
        f"{now.isoformat()}: no record names {what}. It is removed 30 days later, unless one does by then.\n".encode()
    )
