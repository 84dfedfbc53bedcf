"""API keys as they are stored: never the key itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.domain.keys.priority import Priority
from shared.domain.usage.spend_limit import SpendLimit


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key of a service account, or of an administrator: then it has neither project nor account.

    `id` is canonical, and part of the key's text (`key_text.py`). `digest` is the HMAC-SHA-256 of its secret under the
    pepper called `pepper`, in hex. `ending` is the last characters of the text, shown so that people know which it is.
    `scopes` empty: all that a project's key may have. `models` of None: those of its project; else it narrows them.
    `max_priority` bounds the priority of its batches.
    """

    id: str
    name: str
    digest: str
    pepper: str
    ending: str
    created_at: datetime
    project_id: str | None = None
    service_account_id: str | None = None
    scopes: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    max_priority: Priority = Priority.HIGH
    labels: Mapping[str, str] = {}
    spend_limit: SpendLimit | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def is_admin(self) -> bool:
        return self.project_id is None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now
