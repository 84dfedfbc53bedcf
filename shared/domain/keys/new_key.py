"""The bodies of the calls that make and change keys, checked, and what they make of a key (contract 10.2). Pure.

Rule of this file: a project's key has the scopes of a project at most; an administrator's key is another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from shared.domain.errors import WrongState
from shared.domain.keys.admin_fields import (
    check_known,
    labels_in,
    life_in,
    max_priority_in,
    models_in,
    name_in,
    required_name,
    scopes_in,
)
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.key_text import KeyText, digest_of, parse_key, write_key
from shared.domain.keys.new_spend_limit import key_limit_in
from shared.domain.keys.priority import Priority
from shared.domain.usage.spend_limit import SpendLimit

KEY_FIELDS: Final = frozenset({"expires_in_seconds", "scopes", "models", "labels", "max_priority", "spend_limit"})
_ADMIN_FIELDS: Final = frozenset({"name", "expires_in_seconds"})
SHOWN: Final = 4


class KeyChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an update asks for; None leaves as it is. No `scopes`: all; no `models`: those of the project.

    `spend_limit` of False: none any more.
    """

    expires_in_seconds: int | None = None
    scopes: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    max_priority: Priority | None = None
    spend_limit: SpendLimit | bool | None = None
    labels: Mapping[str, str] | None = None

    @property
    def is_empty(self) -> bool:
        return self == KeyChanges()


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A checked create call; `name` None: the account's."""

    name: str | None = None
    wanted: KeyChanges = KeyChanges()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a new key belongs: to an account of a project, or, without both, to the administrators."""

    project_id: str | None = None
    service_account_id: str | None = None


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """The text of the key `key_id`, and what is stored in its place."""

    key_id: str
    text: str
    digest: str
    pepper: str

    def __repr__(self) -> str:  # The text never reaches a log.
        return "Secret()"

    @property
    def ending(self) -> str:
        return self.text[-SHOWN:]


def parse_key_changes(fields: Mapping[str, Any]) -> KeyChanges:
    """The body of an update. Raises InvalidRequest."""
    check_known(fields, KEY_FIELDS)
    return changes_in(fields)


def parse_new_key(fields: Mapping[str, Any]) -> NewKey:
    """The body of a create call. Raises InvalidRequest."""
    check_known(fields, KEY_FIELDS | {"name"})
    return NewKey(name=name_in(fields), wanted=changes_in(fields))


def parse_new_admin_key(fields: Mapping[str, Any]) -> NewKey:
    """The body of a call that makes an administrator's key. Raises InvalidRequest."""
    check_known(fields, _ADMIN_FIELDS)
    return NewKey(name=required_name(fields), wanted=KeyChanges(expires_in_seconds=life_in(fields)))


def changes_in(fields: Mapping[str, Any]) -> KeyChanges:
    """The fields that say what a key may do. Raises InvalidRequest."""
    return KeyChanges(
        expires_in_seconds=life_in(fields),
        scopes=scopes_in(fields),
        models=models_in(fields),
        labels=labels_in(fields),
        max_priority=max_priority_in(fields),
        spend_limit=key_limit_in(fields),
    )


def new_secret(key_id: str, randomness: bytes, pepper: tuple[str, bytes], *, is_admin: bool) -> Secret:
    """`randomness` is `key_text.SECRET_BYTES` random bytes; `pepper` its name and itself."""
    text = write_key(key_id, randomness, is_admin=is_admin)
    return Secret(key_id=key_id, text=text, digest=digest_of(_parsed(text), pepper[1]), pepper=pepper[0])


def new_key(secret: Secret, name: str, place: Place, wanted: KeyChanges, now: datetime) -> ApiKey:
    key = ApiKey(
        id=secret.key_id,
        name=name,
        digest=secret.digest,
        pepper=secret.pepper,
        ending=secret.ending,
        created_at=now,
        project_id=place.project_id,
        service_account_id=place.service_account_id,
    )
    return changed(key, wanted, now)


def changed(key: ApiKey, changes: KeyChanges, now: datetime) -> ApiKey:
    """The key after an update. Raises WrongState if it has expired: it would come back to life."""
    if key.is_expired(now):
        raise WrongState("The key has expired and cannot be changed. Create a new one.", code="api_key_expired")
    life, models, limit = changes.expires_in_seconds, changes.models, changes.spend_limit
    return msgspec.structs.replace(
        key,
        expires_at=key.expires_at if life is None else now + timedelta(seconds=life),
        scopes=key.scopes if changes.scopes is None else changes.scopes,
        models=key.models if models is None else models or None,
        labels=key.labels if changes.labels is None else changes.labels,
        max_priority=key.max_priority if changes.max_priority is None else changes.max_priority,
        spend_limit=key.spend_limit if limit is None else limit or None,
    )


def reissued(key: ApiKey, secret: Secret) -> ApiKey:
    """The same key with another secret: the first one never arrived, and opens nothing any more."""
    return msgspec.structs.replace(key, digest=secret.digest, pepper=secret.pepper, ending=secret.ending)


def _parsed(text: str) -> KeyText:
    parsed = parse_key(text)
    if parsed is None:
        raise ValueError("a key that was just written cannot be read")
    return parsed
