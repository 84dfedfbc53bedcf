"""Who gets in, and what he may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.domain.errors import Forbidden, Unauthenticated
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.caller import ADMINISTRATOR, Caller, caller_of, is_proven, operator_in
from shared.domain.keys.project import DEFAULT_PROJECT, Project, default_project
from shared.domain.keys.scopes import ALL_OF_PROJECT, Scope

NOW = datetime(2026, 11, 27, tzinfo=UTC)
PROJECT = Project(id="1" * 32, name="Translations", created_at=NOW)
KEY = ApiKey(
    id="2" * 32,
    name="nightly",
    digest="ab" * 32,
    pepper="p",
    ending="xyz",
    created_at=NOW,
    project_id=PROJECT.id,
    service_account_id="3" * 32,
)
ADMIN_KEY = msgspec.structs.replace(KEY, project_id=None, service_account_id=None)
INCORRECT = "Incorrect API key. Check the key, and that it belongs to this service."


def let_in(key: ApiKey = KEY, project: Project | None = PROJECT, *, has_account: bool = True) -> Caller:
    return caller_of(key, project, has_account=has_account, now=NOW)


def refusal(key: ApiKey = KEY, project: Project | None = PROJECT, *, has_account: bool = True) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        let_in(key, project, has_account=has_account)
    return caught.value


def test_a_key_of_a_project_may_do_all_that_a_project_may() -> None:
    """Without scopes of its own it has all but administration."""
    assert let_in() == Caller(name="nightly", scopes=ALL_OF_PROJECT, project=PROJECT, key_id=KEY.id)


def test_a_key_narrows_scopes_and_models() -> None:
    """What its record says, and no more."""
    caller = let_in(msgspec.structs.replace(KEY, scopes=("files:read",), models=("m",)))

    assert (caller.scopes, caller.models, caller.owner) == ({Scope.FILES_READ}, ("m",), PROJECT.id)


@pytest.mark.parametrize("scopes", [(), ("admin",), ("api.all", "admin"), ("nobody-knows",)])
def test_no_key_of_a_project_administers(scopes: tuple[str, ...]) -> None:
    """Not even if its record says so."""
    assert Scope.ADMIN not in let_in(msgspec.structs.replace(KEY, scopes=scopes)).scopes


def test_an_administrators_key_administers_and_reports() -> None:
    """It has no project, so nothing is ever made or looked up in its name."""
    caller = caller_of(ADMIN_KEY, None, has_account=False, now=NOW)

    assert caller == Caller(name="nightly", scopes=frozenset({Scope.ADMIN, Scope.USAGE}), key_id=KEY.id)
    with pytest.raises(RuntimeError, match="owns nothing"):
        _ = caller.owner


def test_the_bootstrap_key_works_for_the_default_project() -> None:
    """It has no record, and no id."""
    caller = operator_in(default_project(NOW))

    assert (caller.owner, caller.scopes, caller.key_id) == (DEFAULT_PROJECT, ALL_OF_PROJECT, None)
    assert ADMINISTRATOR.scopes == {Scope.ADMIN, Scope.USAGE}


@pytest.mark.parametrize(
    ("key", "digest", "proven"),
    [
        (KEY, KEY.digest, True),
        (KEY, "cd" * 32, False),
        (KEY, "", False),
        (None, KEY.digest, False),
        (None, "0" * 64, False),
    ],
)
def test_which_digest_proves_a_key(key: ApiKey | None, digest: str, proven: bool) -> None:
    """Its own. Where there is no key none does, not even the one that is compared with."""
    assert is_proven(key, digest) is proven


def test_an_expired_key_is_told_so() -> None:
    """Its owner has proven the secret. The moment itself is too late."""
    error = refusal(msgspec.structs.replace(KEY, expires_at=NOW))

    assert (error.message, error.code) == (
        "This API key has expired. Ask your administrator for a new one.",
        "invalid_api_key",
    )
    assert let_in(msgspec.structs.replace(KEY, expires_at=NOW + timedelta(microseconds=1)))


def test_an_expired_key_of_an_administrator() -> None:
    """No exception for administrators."""
    assert "expired" in refusal(msgspec.structs.replace(ADMIN_KEY, expires_at=NOW), None).message


def test_keys_of_an_archived_project_open_nothing() -> None:
    """What it owned stays."""
    error = refusal(project=msgspec.structs.replace(PROJECT, archived_at=NOW))

    assert (error.message, error.code) == (
        "The project of this API key is archived. Use a key of another one.",
        "invalid_api_key",
    )


def test_a_key_whose_account_or_project_is_gone() -> None:
    """Whoever deletes an account deletes its keys, also the one that was made at this moment."""
    assert [refusal(has_account=False).message, refusal(project=None).message] == [INCORRECT] * 2


@pytest.mark.parametrize(
    ("caller", "scope", "way_out"),
    [
        (let_in(msgspec.structs.replace(KEY, scopes=("files:read",))), Scope.FILES_WRITE, "Use a key that has this"),
        (let_in(), Scope.ADMIN, "Use an administrator's key"),
        (ADMINISTRATOR, Scope.BATCHES_READ, "This is an administrator's key"),
    ],
)
def test_a_missing_scope_is_named(caller: Caller, scope: Scope, way_out: str) -> None:
    """In OpenAI's words, and with what to do (contract 1.3)."""
    with pytest.raises(Forbidden) as caught:
        caller.require(scope)

    opening = f"You have insufficient permissions for this operation. Missing scopes: {scope.value}. {way_out}"
    assert (caught.value.message.startswith(opening), caught.value.code) == (True, None)


def test_a_scope_that_is_there() -> None:
    """Nothing happens."""
    let_in().require(Scope.BATCHES_WRITE)
