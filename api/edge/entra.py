"""From an access token of Entra ID, or a sign-in of App Service, to the caller. What claims mean, the domain decides.

Rule of this file: a token reaches neither a log nor an error, nor anything that is kept. Its caller is remembered for a
moment, as a key's is; what a call asks for beside the token is part of what it is remembered by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from starlette.datastructures import Headers

from shared.domain.errors import Forbidden
from shared.domain.keys.caller import Caller
from shared.domain.keys.client_principal import claims_of_principal, refuse_other_sites
from shared.domain.keys.entra_claims import Claims, ends_at, project_of, require_role, scopes_of_claims, subject_of
from shared.domain.keys.entra_rules import EntraRules
from shared.domain.keys.project import parse_project_id, spell_project_id
from shared.domain.keys.scopes import ALL_OF_ADMINISTRATOR, Scope
from shared.ports.tokens import TokenVerifier
from shared.run.projects import find_project
from shared.services import Services

PRINCIPAL = "x-ms-client-principal"


class Asked(NamedTuple):
    """What a call asks for: the scope of its route, and the project it names, as it spells it."""

    scope: Scope
    project: str | None

    @property
    def is_of_administration(self) -> bool:
        return self.scope in ALL_OF_ADMINISTRATOR


def is_token(key: str) -> bool:
    """Whether it has the form of a JSON Web Token; no key of ours has a dot."""
    return key.count(".") == 2


def asked_project(values: Iterable[str]) -> str | None:
    """What the header `OpenAI-Project` says: which of several projects. Whether it must be right, the dialect says."""
    return next(filter(None, (value.strip() for value in values)), None)


async def caller_of_token(service: Services, tokens: TokenVerifier, token: str, asked: Asked) -> Caller:
    """Raises Unauthenticated, Forbidden, Unavailable."""
    name = _name(token, asked)
    now, epoch = service.now(), service.callers.epoch
    known = service.callers.get(name, now)
    if known is None:
        claims = await tokens.claims_of(token)
        known = await _let_in(service, claims, asked)
        service.callers.put(name, known, now, ends_at(claims), epoch)
    require_role(known.scopes, asked.scope)  # It may have been remembered for another scope.
    return known


async def caller_of_principal(service: Services, headers: Headers, asked: Asked) -> Caller:
    """Whom App Service names, where it is trusted. Raises Unauthenticated, Forbidden, Unavailable."""
    refuse_other_sites(headers.get("origin", ""), headers.get("host", ""))
    rules = _rules(service)
    claims = claims_of_principal(headers.get(PRINCIPAL, ""), rules.tenant)
    return await _let_in(service, claims, asked)


def is_signed_in(service: Services, headers: Headers) -> bool:
    """Whether App Service is trusted and names somebody, once, in a call that brings no key or token of any kind."""
    brings_own = "authorization" in headers or "api-key" in headers
    return service.settings.trust_client_principal and not brings_own and len(headers.getlist(PRINCIPAL)) == 1


async def _let_in(service: Services, claims: Claims, asked: Asked) -> Caller:
    """An administrator administers, and needs no project for it; what is a project's, is done without that scope."""
    subject, scopes = subject_of(claims), scopes_of_claims(claims)
    require_role(scopes, asked.scope)
    administers = Scope.ADMIN in scopes
    if administers and (asked.is_of_administration or scopes <= ALL_OF_ADMINISTRATOR):
        return Caller(name=subject, scopes=scopes & ALL_OF_ADMINISTRATOR)
    project_id = project_of(claims, _rules(service), parse_project_id(asked.project or ""))
    project = await find_project(service, project_id)
    if project is None or project.is_archived:
        raise Forbidden(
            f"Your token leads to the project '{spell_project_id(project_id)}', which is archived or was never there. "
            "Have the operator of this service change BATCH_ENTRA_PROJECTS."
        )
    return Caller(name=subject, scopes=scopes - {Scope.ADMIN}, project=project, administers=administers)


def _rules(service: Services) -> EntraRules:
    rules = service.settings.entra
    if rules is None:  # Settings see to it that nothing of this is on without.
        raise RuntimeError("No tenant is set.")
    return rules


def _name(token: str, asked: Asked) -> bytes:
    administration = asked.scope if asked.is_of_administration else ""  # Each such scope has a caller of its own.
    what = "\0".join((token, asked.project or "", administration))
    return hashlib.sha256(what.encode("utf-8", "surrogatepass")).digest()
