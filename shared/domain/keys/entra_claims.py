"""What the claims of a verified identity mean here: who it is, what it may do, and in whose project.

App roles give scopes; what a user let a program do in their name (`scp`) narrows them. Rule of this file: the order of
anything in a token decides nothing, and what is not understood gives nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.keys.entra_rules import EntraRules, claim_key
from shared.domain.keys.scopes import ALL_OF_ADMINISTRATOR, ALL_OF_PROJECT, Scope, allow

INVALID_TOKEN: Final = "invalid_token"  # noqa: S105 - the code of an error
_FAR_AWAY: Final = 32_503_680_000  # The year 3000; a larger number may be no date.
Claims = Mapping[str, Any]

# App roles, and permissions of the same names -> what they let do. Whoever renames one takes it from those who have it.
ROLES: Final[Mapping[str, frozenset[Scope]]] = {
    "Batch.Files.Read": frozenset({Scope.FILES_READ}),
    "Batch.Files.Write": frozenset({Scope.FILES_WRITE}),
    "Batch.Batches.Read": frozenset({Scope.BATCHES_READ}),
    "Batch.Batches.Write": frozenset({Scope.BATCHES_WRITE}),
    "Batch.Usage.Read": frozenset({Scope.USAGE}),
    "Batch.All": ALL_OF_PROJECT,
    "Batch.Admin": ALL_OF_ADMINISTRATOR,
}


def check_access_token(claims: Claims) -> None:
    """Raises Unauthenticated for a token that was not made to call a service with, such as an ID token."""
    if not (_texts(claims, "azp") or _texts(claims, "appid")):
        raise Unauthenticated(
            "This token is no access token: it names no client ('azp' or 'appid'). Send the access token, not the ID "
            "token.",
            code=INVALID_TOKEN,
        )


def subject_of(claims: Claims) -> str:
    """The object id of a user or a service principal. Raises Unauthenticated."""
    subject = min(_texts(claims, "oid") or _texts(claims, "sub"), default="")
    if not subject:
        raise Unauthenticated("This token names nobody ('oid' or 'sub'). Ask for another one.", code=INVALID_TOKEN)
    return subject


def ends_at(claims: Claims) -> datetime:
    """When a token that was verified ends."""
    return datetime.fromtimestamp(min(int(claims["exp"]), _FAR_AWAY), UTC)


def scopes_of_claims(claims: Claims) -> frozenset[Scope]:
    """What the roles give, narrowed by the permissions of a program that acts for a user, where it has any of ours.

    Raises Forbidden if that is nothing.
    """
    scopes = _scopes_of(_texts(claims, "roles"))
    permissions = {name for text in _texts(claims, "scp") for name in text.split()} & ROLES.keys()
    if permissions:
        scopes &= _scopes_of(permissions)
    if not scopes:
        raise Forbidden(
            "Your token gives none of this service's app roles. Have one of them assigned to you, and let the program "
            f"that you use have it: {', '.join(ROLES)}. Then ask for a new token."
        )
    return scopes


def require_role(scopes: frozenset[Scope], scope: Scope) -> None:
    """Raises Forbidden if the roles that gave `scopes` do not give this one."""
    if not allow(scopes, scope):
        roles = " or ".join(role for role, given in ROLES.items() if scope in given)
        raise Forbidden(
            f"Your token does not give the scope {scope}. Have the app role {roles} assigned to you, and let the "
            "program that you use have it; then ask for a new token."
        )


def project_of(claims: Claims, rules: EntraRules, wanted: str | None = None) -> str:
    """The one project that all that is said of the caller leads to; of several the `wanted` one. Raises Forbidden."""
    said = [claim_key(kind, value) for kind in ("groups", "roles") for value in _texts(claims, kind)]
    if is_program(claims):
        said += [claim_key("azp", value) for name in ("azp", "appid") for value in _texts(claims, name)]
    projects = {rules.projects[key] for key in said if key in rules.projects}
    if wanted in projects:
        return wanted
    if len(projects) != 1:
        raise _no_project(claims, projects)
    return projects.pop()


def _scopes_of(names: set[str]) -> frozenset[Scope]:
    return frozenset().union(*(ROLES[name] for name in names if name in ROLES))


def is_program(claims: Claims) -> bool:
    """Whether a program is here as itself. The id of one that acts for a user (`scp`) proves nothing."""
    return "scp" not in claims and claims.get("idtyp", "app") == "app"


def _no_project(claims: Claims, projects: set[str]) -> Forbidden:
    if projects:
        return Forbidden(
            f"Your groups, roles and client lead to {len(projects)} projects. Name the one that you mean in the header "
            "'OpenAI-Project' (`project=` of the SDK), or have this service's operator change BATCH_ENTRA_PROJECTS."
        )
    if _has_too_many_groups(claims):
        return Forbidden(
            "You are in so many groups that Entra ID leaves them out of your token. Have the operator of this service "
            "map a role or a client to your project, or let tokens have only groups assigned to the application."
        )
    return Forbidden(
        "Nothing in your token leads to a project. Have the operator of this service add a group, a role or the client "
        "of yours to BATCH_ENTRA_PROJECTS."
    )


def _has_too_many_groups(claims: Claims) -> bool:
    elsewhere = claims.get("_claim_names")
    return bool(claims.get("hasgroups")) or (isinstance(elsewhere, dict) and "groups" in elsewhere)


def _texts(claims: Claims, name: str) -> set[str]:
    """The values of a claim that is a text or a list of texts; none of any other."""
    value = claims.get(name)
    values = value if isinstance(value, list) else [value]
    return {each for each in values if isinstance(each, str) and each}
