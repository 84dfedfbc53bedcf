"""What an operator says of Entra ID: whose tokens are taken, made for whom, and which project is whose.

Rule of this file: off until a tenant is named, and nothing is guessed: neither an audience nor a project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from shared.domain.keys.project import parse_project_id

PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KINDS: Final = ("groups", "roles", "azp")
_PROJECTS_EXAMPLE: Final = '{"groups:<object id>": "proj_…", "roles:<name>": "proj_…", "azp:<client id>": "proj_…"}'
_projects = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraRules:
    """`tenant` is a GUID in small letters, `authority` has no slash at its end.

    `projects`: what a claim says (`claim_key`) -> canonical id of a project. `page_client`: as which program the page
    lets people sign in; empty: it offers no such thing.
    """

    tenant: str
    audiences: tuple[str, ...]
    authority: str = PUBLIC_AUTHORITY
    projects: Mapping[str, str]
    page_client: str = ""

    @property
    def issuer(self) -> str:
        """Of tokens of version 2, and of the tenant's OpenID configuration."""
        return f"{self.authority}/{self.tenant}/v2.0"

    @property
    def issuers(self) -> tuple[str, str]:
        """Of both versions: which one a token has, its app registration says, not who asks for it."""
        return self.issuer, f"https://sts.windows.net/{self.tenant}/"

    @property
    def configuration_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    @property
    def scope(self) -> str:
        """What to ask for, to be given a token that is made for this service."""
        return f"{self.audiences[0]}/.default"

    def address_of(self, what: str) -> str:
        """Where people sign in (`authorize`), and where a code becomes a token (`token`)."""
        return f"{self.authority}/{self.tenant}/oauth2/v2.0/{what}"


def claim_key(kind: str, value: str) -> str:
    """How `projects` names the value of a claim. Ids are alike in any case, names of roles are not."""
    return f"{kind}:{value if kind == 'roles' else value.lower()}"


def is_trusted_address(url: str) -> bool:
    """https, or plain http that never leaves this machine: keys that anybody could swap on the way prove nothing."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts)))
    except ValueError:
        return False


def parse_entra(
    tenant: str, audience: str, authority: str, projects: str, page_client: str = ""
) -> tuple[EntraRules | None, list[str]]:
    """The rules in the settings' texts, None where no tenant is named; and every problem, as a sentence."""
    if not tenant:
        given = {
            "BATCH_ENTRA_AUDIENCE": audience,
            "BATCH_ENTRA_PROJECTS": projects.replace("{}", ""),
            "BATCH_ENTRA_PAGE_CLIENT": page_client,
        }
        return None, [f"{name}: has no effect without BATCH_ENTRA_TENANT" for name, text in given.items() if text]
    audiences = tuple(each.strip() for each in audience.split(",") if each.strip())
    mapping, problems = _parse_projects(projects)
    rules = EntraRules(
        tenant=tenant.lower(),
        audiences=audiences,
        authority=authority.rstrip("/"),
        projects=dict(mapping),
        page_client=page_client.lower(),
    )
    return rules, [*_problems(rules), *problems]


def _problems(rules: EntraRules) -> Iterator[str]:
    if not _GUID.fullmatch(rules.tenant):
        yield "BATCH_ENTRA_TENANT: expected the tenant's id, a GUID; `az account show --query tenantId` tells it"
    if not rules.audiences:
        yield (
            "BATCH_ENTRA_AUDIENCE: expected what tokens must be made for, comma-separated: the client id of this "
            "service's app registration and its application ID URI"
        )
    if rules.page_client and not _GUID.fullmatch(rules.page_client):
        yield "BATCH_ENTRA_PAGE_CLIENT: expected the client id of an app registration, a GUID"
    if not is_trusted_address(rules.authority) or urlsplit(rules.authority).path or "?" in rules.authority:
        yield f"BATCH_ENTRA_AUTHORITY: expected an address without a path, as {PUBLIC_AUTHORITY}; http on loopback only"


def _parse_projects(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        given = _projects.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError) as error:
        return [], [f"BATCH_ENTRA_PROJECTS: expected a JSON object as {_PROJECTS_EXAMPLE}: {error}"]
    found, problems = [], []
    for key, name in given.items():
        kind, _, value = key.partition(":")
        project = parse_project_id(name)
        if kind not in _KINDS or not value:
            problems.append(f"BATCH_ENTRA_PROJECTS['{key}']: expected groups:, roles: or azp: and a value")
        elif project is None:
            problems.append(f"BATCH_ENTRA_PROJECTS['{key}']: '{name}' is no project; expected proj_… or default")
        else:
            found.append((claim_key(kind, value), project))
    return found, problems


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
