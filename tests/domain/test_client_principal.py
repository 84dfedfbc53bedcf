"""The header that App Service authentication writes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from shared.domain.errors import Unauthenticated
from shared.domain.keys.client_principal import claims_of_principal, refuse_other_sites

TENANT = "11111111-2222-3333-4444-555555555555"
SCHEMAS = "http://schemas.microsoft.com"
CLAIMS = [
    {"typ": f"{SCHEMAS}/identity/claims/tenantid", "val": TENANT},
    {"typ": f"{SCHEMAS}/identity/claims/objectidentifier", "val": "somebody"},
    {"typ": f"{SCHEMAS}/ws/2008/06/identity/claims/role", "val": "Batch.All"},
    {"typ": "roles", "val": "Team.A"},
    {"typ": "groups", "val": "g-a"},
    {"typ": "groups", "val": "g-b"},
    {"typ": "aud", "val": "client"},
]


def header(content: Any = None, **changes: Any) -> str:
    principal = {"auth_typ": "aad", "name_typ": "n", "role_typ": "r", "claims": CLAIMS, **changes}
    return base64.b64encode(json.dumps(principal if content is None else content).encode()).decode()


def test_a_principal_has_the_claims_of_a_token() -> None:
    """Under the names that tokens have; roles and groups are lists."""
    assert claims_of_principal(header(), TENANT) == {
        "tid": TENANT,
        "oid": "somebody",
        "roles": ["Batch.All", "Team.A"],
        "groups": ["g-a", "g-b"],
        "aud": "client",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "!!!!",
        "ключ",
        header() + "!",
        header([]),
        header({}),
        header(auth_typ="google"),
        header(auth_typ=None),
        header(claims=[{"typ": "oid"}]),
        header(claims=[{"typ": "oid", "val": 7}]),
        header(claims="oid"),
        base64.b64encode(b"[" * 20_000).decode(),
        header(claims=[*CLAIMS, {"typ": "x", "val": "x" * 40_000}]),
    ],
)
def test_what_the_platform_does_not_write_is_nobody(text: str) -> None:
    """Of another provider, of another form, too long."""
    with pytest.raises(Unauthenticated, match="not what App Service writes"):
        claims_of_principal(text, TENANT)


@pytest.mark.parametrize("claims", [CLAIMS[1:], [{"typ": "tid", "val": "other"}], []])
def test_a_principal_of_another_tenant_is_nobody(claims: list[dict[str, str]]) -> None:
    """Whichever tenants the platform lets sign in."""
    with pytest.raises(Unauthenticated, match="another tenant"):
        claims_of_principal(header(claims=claims), TENANT)


def test_a_claim_with_two_values_names_nobody() -> None:
    """Which of them would hold is not ours to choose."""
    with pytest.raises(Unauthenticated, match="two values of 'oid'"):
        claims_of_principal(header(claims=[*CLAIMS, {"typ": "oid", "val": "other"}]), TENANT)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("", "batch.example"),
        ("https://batch.example", "batch.example"),
        ("https://BATCH.example:8443", "batch.example:8443"),
    ],
)
def test_a_page_of_this_site_may_use_the_sign_in(origin: str, host: str) -> None:
    """And so may whoever is no page: browsers say which they are."""
    refuse_other_sites(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "batch.example"),
        ("https://batch.example.evil.example", "batch.example"),
        ("https://batch.example:444", "batch.example"),
        ("null", "batch.example"),
        ("https://[", "batch.example"),
        ("null", ""),
    ],
)
def test_a_page_of_another_site_may_not(origin: str, host: str) -> None:
    """Its calls have the cookie of the sign-in as well."""
    with pytest.raises(Unauthenticated, match="Send an API key or a token"):
        refuse_other_sites(origin, host)
