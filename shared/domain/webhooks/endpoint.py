"""Webhook endpoints: who is told what, and the secrets that sign it (contract 8.4). Pure.

Rule of this file: a secret appears in no `repr`, so that it reaches no log.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shared.domain.webhooks.event import BATCH_EVENTS, EventType

ID_PREFIX: Final = "we_"  # As callers see ids.
OLD_SECRET_LIFE = timedelta(hours=24)


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver. `id` is canonical; `old_secret` signs beside `secret` until `old_secret_until`.

    Without a `secret` nothing is signed. `event_types` are those of batches. All others are `further_event_types`, as
    text: so an instance of a version that does not know one reads the endpoint all the same.
    """

    id: str
    owner: str
    name: str
    url: str
    event_types: tuple[EventType, ...]
    created_at: datetime
    updated_at: datetime
    secret: str
    old_secret: str | None = None
    old_secret_until: datetime | None = None
    further_event_types: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[EventType, ...]:
        """All that it is told of."""
        further = tuple(each for each in EventType if each in self.further_event_types)
        return (*self.event_types, *further)

    def __repr__(self) -> str:  # The URL may hold a token.
        return f"WebhookEndpoint({self.id!r})"

    def secrets(self, now: datetime) -> list[str]:
        """Those that sign now, the newest first."""
        if not self.secret:
            return []
        if self.old_secret is None or self.old_secret_until is None or now >= self.old_secret_until:
            return [self.secret]
        return [self.secret, self.old_secret]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What an update asks for; None leaves as it is."""

    name: str | None = None
    url: str | None = None
    event_types: tuple[EventType, ...] | None = None


def event_fields(asked: Iterable[EventType]) -> dict[str, Any]:
    """The fields of an endpoint that is told of these."""
    asked = tuple(asked)
    return {
        "event_types": tuple(each for each in asked if each in BATCH_EVENTS),
        "further_event_types": tuple(each.value for each in asked if each not in BATCH_EVENTS),
    }


def updated(endpoint: WebhookEndpoint, changes: Changes, now: datetime) -> WebhookEndpoint:
    """The endpoint after an update; the same object, and so the same `updated_at`, where nothing changes."""
    wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None}
    if changes.event_types is not None:
        wanted |= event_fields(changes.event_types)
    if all(getattr(endpoint, name) == value for name, value in wanted.items()):
        return endpoint
    return msgspec.structs.replace(endpoint, **wanted, updated_at=now)


def rotated(endpoint: WebhookEndpoint, secret: str, now: datetime, *, keep_old: bool) -> WebhookEndpoint:
    """The endpoint with a new secret. Without `keep_old` every earlier one is void at once."""
    return msgspec.structs.replace(
        endpoint,
        secret=secret,
        old_secret=endpoint.secret if keep_old else None,
        old_secret_until=now + OLD_SECRET_LIFE if keep_old else None,
        updated_at=now,
    )
