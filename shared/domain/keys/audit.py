"""What administrators did, for the audit log: who, when, to what. Pure.

Rule of this file: `details` never holds a secret: no key's text, no digest, no pepper.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from shared.domain import ids

_OLDEST: Final = "0" * 32
_NEWEST: Final = "f" * 32


class ActorKind(StrEnum):
    """With what an actor proved who he is."""

    BOOTSTRAP_KEY = "bootstrap_key"
    API_KEY = "api_key"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did it. `id` is that of the key, or the subject of the token; the bootstrap key has none."""

    kind: ActorKind
    name: str
    id: str | None = None


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act. `id` is canonical and says when; `type` is such as `project.created`.

    `resource_id` is what it was done to. `project_id` is None where the act is of no project.
    """

    id: str
    type: str
    actor: Actor
    project_id: str | None = None
    resource_id: str | None = None
    details: Mapping[str, str] = {}

    @property
    def at(self) -> datetime:
        """To the millisecond."""
        return ids.created_at(self.id)


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are wanted; an empty collection: any. From `since` on, and before `until`, to the millisecond."""

    types: Collection[str] = ()
    project_ids: Collection[str] = ()
    actor_ids: Collection[str] = ()
    resource_ids: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    def allows(self, event: AuditEvent) -> bool:
        wanted = (
            (self.types, event.type),
            (self.project_ids, event.project_id),
            (self.actor_ids, event.actor.id),
            (self.resource_ids, event.resource_id),
        )
        return all(not given or value in given for given, value in wanted)

    def span(self, after: str | None, before: str | None) -> tuple[str, str] | None:
        """The ids between which, both exclusive, all that is wanted lies: newer than the first, older than the second.

        None if `after` or `before` is no id.
        """
        if not all(position is None or ids.is_id(position) for position in (after, before)):
            return None
        older_than = min(after or _NEWEST, ids.first_id(self.until) if self.until else _NEWEST)
        newer_than = max(before or _OLDEST, ids.first_id(self.since) if self.since else _OLDEST)
        return newer_than, older_than
