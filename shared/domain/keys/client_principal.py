"""`X-MS-CLIENT-PRINCIPAL`: whom App Service authentication let in, as claims. Anybody can send it where that is off.

Rule of this file: what does not look exactly as the platform writes it is nobody.
"""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from shared.domain.errors import Unauthenticated
from shared.domain.keys.entra_claims import INVALID_TOKEN

MAX_CHARACTERS: Final = 32_768
_SCHEMAS: Final = "http://schemas.microsoft.com"
_LISTS: Final = frozenset({"groups", "roles"})
# The platform renames some claims on their way -> how tokens name them.
_NAMES: Final = {
    f"{_SCHEMAS}/identity/claims/objectidentifier": "oid",
    f"{_SCHEMAS}/identity/claims/tenantid": "tid",
    f"{_SCHEMAS}/identity/claims/scope": "scp",
    f"{_SCHEMAS}/ws/2008/06/identity/claims/role": "roles",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": "sub",
}


class _Claim(msgspec.Struct, frozen=True):
    typ: str
    val: str


class _Principal(msgspec.Struct, frozen=True):
    auth_typ: str
    claims: list[_Claim]


_decode = msgspec.json.Decoder(_Principal).decode


def claims_of_principal(header: str, tenant: str) -> dict[str, Any]:
    """The claims as a token of this tenant would have them. Raises Unauthenticated."""
    principal = _parsed(header)
    if principal is None or principal.auth_typ != "aad":
        raise _refused("X-MS-CLIENT-PRINCIPAL is not what App Service writes after a sign-in with Entra ID.")
    claims: dict[str, Any] = {}
    for each in principal.claims:
        name = _NAMES.get(each.typ, each.typ)
        if name in _LISTS:
            claims.setdefault(name, []).append(each.val)
        elif claims.setdefault(name, each.val) != each.val:
            raise _refused(f"X-MS-CLIENT-PRINCIPAL has two values of '{name[:100]}'. Sign in again.")
    if claims.get("tid") != tenant:
        raise _refused("You signed in to another tenant than this service's. Sign in again.")
    return claims


def refuse_other_sites(origin: str, host: str) -> None:
    """Raises Unauthenticated where a page of another site had the browser send this call, with the sign-in's cookie."""
    if origin and (not host or _place(origin) != host.lower()):
        raise _refused("This page may not use your sign-in. Send an API key or a token.")


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _parsed(header: str) -> _Principal | None:
    if len(header) > MAX_CHARACTERS:
        return None
    try:
        return _decode(base64.b64decode(header, validate=True))
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None


def _refused(message: str) -> Unauthenticated:
    return Unauthenticated(message, code=INVALID_TOKEN)
