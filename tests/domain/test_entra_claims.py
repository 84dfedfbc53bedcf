"""What claims mean: who it is, what they may do, whose project it is."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.keys.entra_claims import (
    ROLES,
    check_access_token,
    ends_at,
    project_of,
    require_role,
    scopes_of_claims,
    subject_of,
)
from shared.domain.keys.entra_rules import EntraRules
from shared.domain.keys.scopes import ALL_OF_PROJECT, Scope

A, B = "a" * 32, "b" * 32
RULES = EntraRules(
    tenant="t",
    audiences=("x",),
    projects={"groups:g-a": A, "groups:g-b": B, "roles:Team.A": A, "azp:client-a": A, "azp:client-b": B},
)


def claims(**changes: Any) -> dict[str, Any]:
    return {"oid": "somebody", "azp": "client-a", "roles": ["Batch.All"], **changes}


def given(**said: Any) -> frozenset[Scope]:
    """None where that is refused."""
    try:
        return scopes_of_claims(said)
    except Forbidden:
        return frozenset()


def refusal(**changes: Any) -> str:
    with pytest.raises(Forbidden) as caught:
        project_of(claims(**changes), RULES)
    return caught.value.message


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("Batch.Files.Read", {Scope.FILES_READ}),
        ("Batch.Files.Write", {Scope.FILES_WRITE}),
        ("Batch.Batches.Read", {Scope.BATCHES_READ}),
        ("Batch.Batches.Write", {Scope.BATCHES_WRITE}),
        ("Batch.Usage.Read", {Scope.USAGE}),
        ("Batch.All", ALL_OF_PROJECT),
        ("batch.all", set()),
        ("Batch.Everything", set()),
    ],
)
def test_an_app_role_gives_scopes(role: str, scopes: set[Scope]) -> None:
    """Those of its name, to the letter; a role that is not known gives none."""
    assert given(roles=[role]) == scopes


def test_an_administrator_gets_nothing_of_files_and_batches() -> None:
    """By that role alone."""
    scopes = given(roles=["Batch.Admin"])

    assert Scope.ADMIN in scopes
    assert scopes.isdisjoint({Scope.FILES_READ, Scope.FILES_WRITE, Scope.BATCHES_READ, Scope.BATCHES_WRITE})


def test_every_scope_has_a_role() -> None:
    """Nothing can be done by keys alone."""
    assert frozenset().union(*ROLES.values()) == set(Scope) - {Scope.ANY}


@pytest.mark.parametrize(
    ("roles", "scopes"),
    [
        (["Batch.Files.Read", "Batch.Batches.Read"], {Scope.FILES_READ, Scope.BATCHES_READ}),
        ("Batch.Files.Read", {Scope.FILES_READ}),
        (["Batch.All Batch.Admin"], set()),
        ([["Batch.All"]], set()),
        ({"Batch.All": True}, set()),
        (None, set()),
        (7, set()),
    ],
)
def test_roles_add_up(roles: object, scopes: set[Scope]) -> None:
    """What is neither a text nor a list of texts is none."""
    assert given(roles=roles) == scopes


@pytest.mark.parametrize(
    ("permissions", "scopes"),
    [
        ("Batch.Files.Read", {Scope.FILES_READ}),
        ("openid Batch.Files.Read Batch.Usage.Read", {Scope.FILES_READ, Scope.USAGE}),
        ("user_impersonation", ALL_OF_PROJECT),
        ("", ALL_OF_PROJECT),
        (None, ALL_OF_PROJECT),
    ],
)
def test_a_permission_narrows_what_a_user_may(permissions: str | None, scopes: set[Scope]) -> None:
    """A program that was let read files reads files, whoever it acts for; a permission gives nothing by itself."""
    assert given(roles=["Batch.All"], scp=permissions) == scopes
    assert given(scp=permissions) == set()


def test_a_permission_for_what_the_user_may_not_is_none() -> None:
    """Nobody may do more through a program than without."""
    assert given(roles=["Batch.Files.Read"], scp="Batch.Batches.Read") == set()


def test_without_a_role_nothing_is_allowed() -> None:
    """The message says which there are."""
    with pytest.raises(Forbidden, match="Batch.Files.Read, Batch.Files.Write"):
        scopes_of_claims(claims(roles=[]))


@pytest.mark.parametrize(
    ("said", "project"),
    [
        ({"azp": "client-b"}, B),
        ({"azp": "CLIENT-B"}, B),
        ({"azp": None, "appid": "client-b"}, B),
        ({"azp": "other", "groups": ["g-b"]}, B),
        ({"azp": "other", "groups": "g-b"}, B),
        ({"azp": "other", "groups": ["G-B", "unmapped"]}, B),
        ({"azp": "other", "roles": ["Batch.All", "Team.A"]}, A),
        ({"azp": "client-a", "groups": ["g-a"], "roles": ["Batch.All", "Team.A"]}, A),
    ],
)
def test_a_claim_leads_to_a_project(said: dict[str, Any], project: str) -> None:
    """A client, a group or a role; all of them, where they agree."""
    assert project_of(claims(**said), RULES) == project


@pytest.mark.parametrize("said", [{"scp": "user_impersonation"}, {"scp": ""}, {"idtyp": "user"}, {"idtyp": None}])
def test_a_program_that_acts_for_a_user_leads_nowhere(said: dict[str, Any]) -> None:
    """Whoever knows the id of a public program can sign in with it; the user's groups and roles count."""
    assert "BATCH_ENTRA_PROJECTS" in refusal(azp="client-a", **said)
    assert project_of(claims(azp="client-a", groups=["g-b"], **said), RULES) == B
    assert project_of(claims(azp="client-a", idtyp="app"), RULES) == A


def test_the_order_of_a_token_decides_nothing() -> None:
    """Two projects are two, whichever comes first; the caller says which."""
    for groups in permutations(["g-a", "g-b", "x"]):
        assert "2 projects" in refusal(azp="other", groups=list(groups))
        for wanted in (A, B):
            assert project_of(claims(azp="other", groups=list(groups)), RULES, wanted) == wanted


@pytest.mark.parametrize("wanted", [B, "none", ""])
def test_nobody_gets_a_project_by_asking_for_it(wanted: str) -> None:
    """One that no claim leads to chooses nothing, be it of one project or of several."""
    assert project_of(claims(azp="client-a"), RULES, wanted) == A
    with pytest.raises(Forbidden, match="2 projects"):
        project_of(claims(azp="other", groups=["g-a", "g-b"]), RULES, "none")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "BATCH_ENTRA_PROJECTS"),
        ({"roles": ["Batch.All", "team.a"]}, "BATCH_ENTRA_PROJECTS"),
        ({"groups": [["g-a"]]}, "BATCH_ENTRA_PROJECTS"),
        ({"hasgroups": True}, "so many groups"),
        ({"_claim_names": {"groups": "src1"}}, "so many groups"),
        ({"_claim_names": "groups"}, "BATCH_ENTRA_PROJECTS"),
    ],
)
def test_without_a_project_nothing_is_allowed(said: dict[str, Any], message: str) -> None:
    """The message says whom to ask for what."""
    assert message in refusal(azp="other", **said)


def test_a_missing_role_is_named() -> None:
    """Each that would do."""
    require_role(frozenset({Scope.USAGE}), Scope.USAGE)
    with pytest.raises(Forbidden, match="Have the app role Batch.Files.Write or Batch.All assigned"):
        require_role(frozenset({Scope.FILES_READ}), Scope.FILES_WRITE)


@pytest.mark.parametrize(
    ("exp", "expected"), [(1_800_000_000, 2027), (1.8e9, 2027), ("1800000000", 2027), (1e18, 3000)]
)
def test_a_token_ends_at_its_time(exp: object, expected: int) -> None:
    """Whatever a JSON number may be, and no later than a date can be."""
    assert ends_at({"exp": exp}).year == expected


def test_who_it_is_is_the_object() -> None:
    """Of a user or a service principal; else the subject."""
    assert subject_of({"oid": "o", "sub": "s"}) == "o"
    assert subject_of({"oid": None, "sub": "s"}) == "s"
    with pytest.raises(Unauthenticated):
        subject_of({"oid": 7})


@pytest.mark.parametrize("said", [{"azp": "c"}, {"appid": "c"}])
def test_an_access_token_names_its_client(said: dict[str, str]) -> None:
    """In either version."""
    check_access_token(said)


@pytest.mark.parametrize("said", [{}, {"azp": None}, {"azp": ""}, {"appid": {"a": 1}}])
def test_what_names_no_client_is_no_access_token(said: dict[str, Any]) -> None:
    """An ID token tells a program who signed in; it is not for calling services."""
    with pytest.raises(Unauthenticated, match="not the ID token"):
        check_access_token(said)
