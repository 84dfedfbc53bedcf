"""What an operator says of Entra ID."""

from __future__ import annotations

import pytest

from shared.domain.keys.entra_rules import PUBLIC_AUTHORITY, EntraRules, is_trusted_address, parse_entra
from shared.environment import SettingsError, parse_settings

TENANT = "11111111-2222-3333-4444-555555555555"
PROJECT = "0190f5fe7c0071a2b3c4d5e6f7a8b9c0"
GIVEN = {"BATCH_ENTRA_TENANT": TENANT, "BATCH_ENTRA_AUDIENCE": "api://batch"}


def problems(**environment: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_settings(environment)
    return str(caught.value).splitlines()


def test_entra_is_off_until_a_tenant_is_named() -> None:
    """Nobody gets in by a default."""
    assert parse_settings({}).entra is None


def test_what_is_said_becomes_rules() -> None:
    """Ids in small letters, projects canonical, several audiences."""
    projects = f'{{"groups:ABC": "proj_{PROJECT}", "roles:Team.A": "default", "azp:DEF": "{PROJECT}"}}'
    settings = parse_settings(
        {
            "BATCH_ENTRA_TENANT": TENANT.upper(),
            "BATCH_ENTRA_AUDIENCE": "api://batch, client",
            "BATCH_ENTRA_AUTHORITY": "https://login.microsoftonline.us/",
            "BATCH_ENTRA_PROJECTS": projects,
            "BATCH_ENTRA_PAGE_CLIENT": TENANT.upper(),
        }
    )

    assert settings.entra == EntraRules(
        tenant=TENANT,
        audiences=("api://batch", "client"),
        authority="https://login.microsoftonline.us",
        projects={"groups:abc": PROJECT, "roles:Team.A": "default", "azp:def": PROJECT},
        page_client=TENANT,
    )


def test_issuers_are_the_tenants_of_both_versions() -> None:
    """And the configuration is that of version 2."""
    rules = EntraRules(tenant=TENANT, audiences=("a",), projects={})

    assert rules.issuers == (f"{PUBLIC_AUTHORITY}/{TENANT}/v2.0", f"https://sts.windows.net/{TENANT}/")
    assert rules.configuration_url == f"{PUBLIC_AUTHORITY}/{TENANT}/v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"BATCH_ENTRA_TENANT": "common"}, "BATCH_ENTRA_TENANT: expected the tenant's id, a GUID"),
        ({"BATCH_ENTRA_TENANT": "contoso.onmicrosoft.com"}, "BATCH_ENTRA_TENANT: expected the tenant's id, a GUID"),
        ({"BATCH_ENTRA_TENANT": f"{TENANT}/../common"}, "BATCH_ENTRA_TENANT: expected the tenant's id, a GUID"),
        ({"BATCH_ENTRA_PAGE_CLIENT": "api://batch"}, "BATCH_ENTRA_PAGE_CLIENT: expected the client id"),
        (
            {"BATCH_ENTRA_TENANT": "", "BATCH_ENTRA_AUDIENCE": "", "BATCH_ENTRA_PAGE_CLIENT": TENANT},
            "BATCH_ENTRA_PAGE_CLIENT: has no effect without BATCH_ENTRA_TENANT",
        ),
        ({"BATCH_ENTRA_TENANT": ""}, "BATCH_ENTRA_AUDIENCE: has no effect without BATCH_ENTRA_TENANT"),
        ({"BATCH_ENTRA_AUDIENCE": " , "}, "BATCH_ENTRA_AUDIENCE: expected what tokens must be made for"),
        ({"BATCH_ENTRA_AUTHORITY": "http://login.example"}, "BATCH_ENTRA_AUTHORITY: expected an address"),
        ({"BATCH_ENTRA_AUTHORITY": "http://127.0.0.1.example"}, "BATCH_ENTRA_AUTHORITY: expected an address"),
        ({"BATCH_ENTRA_AUTHORITY": "https://login.example/tenant"}, "BATCH_ENTRA_AUTHORITY: expected an address"),
        ({"BATCH_ENTRA_AUTHORITY": "https://login.example?x=1"}, "BATCH_ENTRA_AUTHORITY: expected an address"),
        ({"BATCH_ENTRA_AUTHORITY": "https://user@"}, "BATCH_ENTRA_AUTHORITY: expected an address"),
        ({"BATCH_ENTRA_AUTHORITY": "https://[::1"}, "BATCH_ENTRA_AUTHORITY: expected an address"),
        ({"BATCH_ENTRA_PROJECTS": "{"}, "BATCH_ENTRA_PROJECTS: expected a JSON object as"),
        ({"BATCH_ENTRA_PROJECTS": '{"groups:a": 1}'}, "BATCH_ENTRA_PROJECTS: expected a JSON object as"),
        ({"BATCH_ENTRA_PROJECTS": '{"a": "default"}'}, "BATCH_ENTRA_PROJECTS['a']: expected groups:, roles: or azp:"),
        ({"BATCH_ENTRA_PROJECTS": '{"azp:": "default"}'}, "BATCH_ENTRA_PROJECTS['azp:']: expected groups:, roles:"),
        ({"BATCH_ENTRA_PROJECTS": '{"azp:a": "team"}'}, "BATCH_ENTRA_PROJECTS['azp:a']: 'team' is no project"),
    ],
)
def test_a_mistake_stops_the_start(changes: dict[str, str], said: str) -> None:
    """One sentence, by the name of its setting."""
    found = problems(**{**GIVEN, **changes})

    assert (len(found), found[0][: len(said)]) == (1, said)


def test_a_principal_is_not_trusted_without_a_tenant() -> None:
    """It would be of any tenant, and of no project."""
    assert problems(BATCH_TRUST_CLIENT_PRINCIPAL="true") == [
        "BATCH_TRUST_CLIENT_PRINCIPAL: needs BATCH_ENTRA_TENANT, whose users it lets in"
    ]


def test_projects_without_a_tenant_are_a_mistake() -> None:
    """They would be without effect, and nobody would know."""
    assert parse_entra("", "", PUBLIC_AUTHORITY, '{"azp:a": "default"}') == (
        None,
        ["BATCH_ENTRA_PROJECTS: has no effect without BATCH_ENTRA_TENANT"],
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://login.example/x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://127.9.9.9/x", True),
        ("http://[::1]/x", True),
        ("http://localhost/x", True),
        ("http://localhost.example/x", False),
        ("http://10.0.0.1/x", False),
        ("ftp://127.0.0.1/x", False),
        ("https:///x", False),
        ("", False),
    ],
)
def test_plain_http_is_for_loopback_only(url: str, expected: bool) -> None:
    """Keys that came over a network unprotected prove nothing."""
    assert is_trusted_address(url) is expected
