"""Scopes: what a key may do. OpenAI's words, with shorter ones of ours as aliases.

A key without scopes may do all that a project's key can: everything but administration, which only an administrator's
key has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import shortened


class Scope(StrEnum):
    """One permission. Webhook endpoints tell of batches: they go with those.

    `ANY` is none that somebody is given: a route asks for it where every caller who may do anything is let in.
    """

    FILES_READ = "api.files.read"
    FILES_WRITE = "api.files.write"
    BATCHES_READ = "api.batches.read"
    BATCHES_WRITE = "api.batches.write"
    USAGE = "usage"
    ADMIN = "admin"
    ANY = "any"


ALL_OF_PROJECT = frozenset(Scope) - {Scope.ADMIN, Scope.ANY}
ALL_OF_ADMINISTRATOR = frozenset({Scope.ADMIN, Scope.USAGE})  # of all projects
_READS = frozenset({Scope.FILES_READ, Scope.BATCHES_READ})
_WRITES = frozenset({Scope.FILES_WRITE, Scope.BATCHES_WRITE})
NAMES: Mapping[str, frozenset[Scope]] = {
    **{scope.value: frozenset({scope}) for scope in ALL_OF_PROJECT},
    "files:read": frozenset({Scope.FILES_READ}),
    "files:write": frozenset({Scope.FILES_WRITE}),
    "batches:read": frozenset({Scope.BATCHES_READ}),
    "batches:write": frozenset({Scope.BATCHES_WRITE}),
    "api.all": ALL_OF_PROJECT,
    "api.all.read": _READS | {Scope.USAGE},
    "api.all.write": _READS | _WRITES,
}


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """What these names allow; none at all: everything of a project. A name that nobody knows allows nothing."""
    given = tuple(names)
    return frozenset().union(*(NAMES.get(name, frozenset()) for name in given)) if given else ALL_OF_PROJECT


def allow(scopes: Collection[Scope], scope: Scope) -> bool:
    """Whether whoever has `scopes` may do what `scope` says."""
    return bool(scopes) if scope is Scope.ANY else scope in scopes


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names as they were given, each once. Raises InvalidRequest for one that is unknown."""
    given = tuple(dict.fromkeys(names))
    for name in given:
        if name not in NAMES:
            raise InvalidRequest(
                f"Unknown scope '{shortened(name)}'. The scopes are {', '.join(NAMES)}.",
                code="invalid_value",
                param="scopes",
            )
    return given
