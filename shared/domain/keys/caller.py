"""Who is calling, and what he may do.

Rule of this file: a secret is only ever compared by digest, in constant time, and appears in no message. Whether a key
is unknown or its secret wrong is said in one and the same sentence; more is told only to whoever has proven the secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.limits import Limits
from shared.domain.keys.model_access import ModelAccess
from shared.domain.keys.priority import Priority
from shared.domain.keys.project import Project, parse_project_id, spell_project_id
from shared.domain.keys.scopes import ALL_OF_ADMINISTRATOR, ALL_OF_PROJECT, Scope, allow, scopes_of
from shared.domain.usage.spend_limit import SpendLimit

INVALID_KEY: Final = "invalid_api_key"
_NO_DIGEST: Final = "0" * 64  # What an unknown id is compared with, so that it takes as long as a wrong secret.


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller. `name` is who it is, in words for people.

    `project` is None for an administrator. `key_id` is None without a stored key: the bootstrap key, a token of Entra.
    `models` of None: all that the project may use; else only these of them. `spend_limit`, `max_priority`: the key's.
    `administers`: it opens administration as well, where it comes without a project.
    """

    name: str
    scopes: frozenset[Scope]
    project: Project | None = None
    key_id: str | None = None
    models: tuple[str, ...] | None = None
    spend_limit: SpendLimit | None = None
    max_priority: Priority = Priority.HIGH
    administers: bool = False

    @property
    def opens(self) -> frozenset[Scope]:
        """All that whoever is calling may do, in this project and outside of it."""
        return self.scopes | ALL_OF_ADMINISTRATOR if self.administers else self.scopes

    @property
    def owner(self) -> str:
        """The project's id: it goes on every record that the caller makes, and bounds every look-up."""
        if self.project is None:  # Its scopes keep it from every route that asks.
            raise RuntimeError("An administrator owns nothing. Let the route name a scope of projects.")
        return self.project.id

    @property
    def limits(self) -> Limits:
        """Of its project."""
        return self.project.limits if self.project else Limits()

    @property
    def access(self) -> ModelAccess:
        """To models. Raises as `owner` does."""
        permissions = self.project.model_permissions if self.project else None
        return ModelAccess(project_id=self.owner, permissions=permissions, models=self.models)

    def require(self, scope: Scope) -> None:
        """Raises Forbidden without it."""
        if allow(self.scopes, scope):
            return
        raise Forbidden(  # The first two sentences are OpenAI's (contract 1.3).
            f"You have insufficient permissions for this operation. Missing scopes: {scope}. {_way_out(self, scope)}"
        )

    def require_project(self, named: Iterable[str]) -> None:
        """`named` are values of the header `OpenAI-Project`. Raises Unauthenticated for another than the caller's."""
        for text in filter(None, (value.strip() for value in named)):
            if self.project is not None and parse_project_id(text) != self.project.id:
                raise Unauthenticated(  # The first sentence is OpenAI's (contract 1.1).
                    "OpenAI-Project header should match project for API key. This key is one of the project "
                    f"'{spell_project_id(self.project.id)}': name that, or none.",
                    code="mismatched_project",
                )


def _way_out(caller: Caller, scope: Scope) -> str:
    if scope is Scope.ADMIN:
        return "Use an administrator's key: a project's key never has this scope."
    if caller.project is None:
        return "This is an administrator's key, which works for administration only: use a project's key."
    return "Use a key that has this scope, or have an administrator give it to yours."


ADMINISTRATOR: Final = Caller(name="bootstrap key", scopes=ALL_OF_ADMINISTRATOR)


def operator_in(project: Project) -> Caller:
    """The bootstrap key where a project is asked for; elsewhere it is `ADMINISTRATOR`."""
    return Caller(name=ADMINISTRATOR.name, scopes=ALL_OF_PROJECT, project=project, administers=True)


def is_proven(key: ApiKey | None, digest: str) -> bool:
    """Whether `digest` is that of the key's secret. It takes as long where there is no key."""
    return hmac.compare_digest(digest, key.digest if key else _NO_DIGEST) and key is not None


def caller_of(key: ApiKey, project: Project | None, *, has_account: bool, now: datetime) -> Caller:
    """Whom a proven key lets in. `project` and `has_account` are what its record names, as far as that is there.

    Raises Unauthenticated.
    """
    if key.is_expired(now):
        raise Unauthenticated("This API key has expired. Ask your administrator for a new one.", code=INVALID_KEY)
    if key.is_admin:
        return Caller(name=key.name, scopes=ALL_OF_ADMINISTRATOR, key_id=key.id)
    if project is None or not has_account:
        raise unknown_key()
    if project.is_archived:
        raise Unauthenticated("The project of this API key is archived. Use a key of another one.", code=INVALID_KEY)
    return Caller(
        name=key.name,
        scopes=scopes_of(key.scopes),
        project=project,
        key_id=key.id,
        models=key.models,
        spend_limit=key.spend_limit,
        max_priority=key.max_priority,
    )


def no_key() -> Unauthenticated:
    return Unauthenticated(
        "No API key was given. Send your key as 'Authorization: Bearer <key>' or as 'api-key: <key>'."
    )


def unknown_key() -> Unauthenticated:
    return Unauthenticated("Incorrect API key. Check the key, and that it belongs to this service.", code=INVALID_KEY)
