"""The bodies of administrators' calls: what is refused, and what is made of the rest (contract 10.1, 10.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.domain.errors import InvalidRequest, WrongState
from shared.domain.keys import new_key, new_project, new_service_account
from shared.domain.keys.admin_fields import MAX_LABEL, MAX_LABEL_KEY, MAX_LABELS, MAX_MODELS, MAX_NAME
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.key_text import SECRET_BYTES, digest_of, parse_key
from shared.domain.keys.new_key import KeyChanges, Place, Secret
from shared.domain.keys.new_project import ProjectChanges
from shared.domain.keys.new_service_account import AccountChanges
from shared.domain.keys.project import ModelMode, ModelPermissions, Project, default_project
from shared.domain.keys.scopes import ALL_OF_PROJECT, Scope, scopes_of
from shared.domain.keys.service_account import Role, ServiceAccount

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KEY_ID = "0" * 31 + "1"
Parse = Callable[[dict[str, Any]], Any]
PROJECT, CHANGES = new_project.parse_new_project, new_project.parse_project_changes
POLICY = new_project.parse_model_permissions
ACCOUNT, ACCOUNT_CHANGES = new_service_account.parse_new_account, new_service_account.parse_account_changes
KEY, KEY_CHANGES, ADMIN_KEY = new_key.parse_new_key, new_key.parse_key_changes, new_key.parse_new_admin_key


def secret(number: int = 0, *, is_admin: bool = False) -> Secret:
    return new_key.new_secret(KEY_ID, bytes([number]) * SECRET_BYTES, ("first", b"pepper"), is_admin=is_admin)


def a_key(**wanted: Any) -> ApiKey:
    place = Place(project_id="p", service_account_id="s")
    return new_key.new_key(secret(), "mine", place, KeyChanges(**wanted), NOW)


@pytest.mark.parametrize(
    ("parse", "fields", "param", "code"),
    [
        (PROJECT, {}, "name", "missing_required_parameter"),
        (PROJECT, {"name": None}, "name", "missing_required_parameter"),
        (PROJECT, {"name": 1}, "name", "invalid_type"),
        (PROJECT, {"name": " "}, "name", "invalid_value"),
        (PROJECT, {"name": "a\nb"}, "name", "invalid_value"),
        (PROJECT, {"name": "a\x7fb"}, "name", "invalid_value"),
        (PROJECT, {"name": "x" * (MAX_NAME + 1)}, "name", "string_above_max_length"),
        (PROJECT, {"name": "a", "title": "b"}, "title", "unknown_parameter"),
        (PROJECT, {"name": "a", "residency": {"geography": "EU"}}, "residency", "unsupported_parameter"),
        (PROJECT, {"name": "a", "geography": "EU"}, "geography", "unsupported_parameter"),
        (CHANGES, {"external_key_id": "k"}, "external_key_id", "unsupported_parameter"),
        (CHANGES, {"labels": []}, "labels", "invalid_type"),
        (CHANGES, {"labels": {"a": 1}}, "labels.a", "invalid_type"),
        (CHANGES, {"labels": {"": "a"}}, "labels", "invalid_value"),
        (CHANGES, {"labels": {"a": {"b": "c"}}}, "labels.a", "invalid_type"),
        (CHANGES, {"labels": {"a": "x" * (MAX_LABEL + 1)}}, "labels.a", "string_above_max_length"),
        (CHANGES, {"labels": {"x" * (MAX_LABEL_KEY + 1): "a"}}, "labels", "string_above_max_length"),
        (CHANGES, {"labels": {str(n): "a" for n in range(MAX_LABELS + 1)}}, "labels.length", None),
        (POLICY, {"model_ids": []}, "mode", "missing_required_parameter"),
        (POLICY, {"mode": "allow_list"}, "model_ids", "missing_required_parameter"),
        (POLICY, {"mode": "all", "model_ids": []}, "mode", "invalid_value"),
        (POLICY, {"mode": 1, "model_ids": []}, "mode", "invalid_type"),
        (POLICY, {"mode": "deny_list", "model_ids": "m"}, "model_ids", "invalid_type"),
        (POLICY, {"mode": "deny_list", "model_ids": [1]}, "model_ids[0]", "invalid_type"),
        (ACCOUNT, {"name": "a", "role": "owner"}, "role", "unknown_parameter"),
        (ACCOUNT, {"name": "a", "create_service_account_only": 1}, "create_service_account_only", "invalid_type"),
        (ACCOUNT_CHANGES, {"role": "none"}, "role", "invalid_value"),
        (ACCOUNT_CHANGES, {"role": 1}, "role", "invalid_type"),
        (KEY, {"scope": ["api.files.read"]}, "scope", "unknown_parameter"),
        (KEY, {"scopes": "api.files.read"}, "scopes", "invalid_type"),
        (KEY, {"scopes": ["api.files.reed"]}, "scopes", "invalid_value"),
        (KEY, {"scopes": ["a"] * 51}, "scopes.length", "integer_above_max_value"),
        (KEY, {"models": [""]}, "models[0]", "invalid_value"),
        (KEY, {"models": ["m"] * (MAX_MODELS + 1)}, "models.length", "integer_above_max_value"),
        (KEY, {"expires_in_seconds": 0}, "expires_in_seconds", "integer_below_min_value"),
        (KEY, {"expires_in_seconds": 31_536_001}, "expires_in_seconds", "integer_above_max_value"),
        (KEY, {"expires_in_seconds": True}, "expires_in_seconds", "invalid_type"),
        (KEY, {"expires_in_seconds": 1.5}, "expires_in_seconds", "invalid_type"),
        (KEY, {"max_priority": "urgent"}, "max_priority", "invalid_value"),
        (KEY_CHANGES, {"max_priority": 1}, "max_priority", "invalid_type"),
        (KEY_CHANGES, {"name": "other"}, "name", "unknown_parameter"),
        (ADMIN_KEY, {}, "name", "missing_required_parameter"),
        (ADMIN_KEY, {"name": "a", "scopes": []}, "scopes", "unknown_parameter"),
    ],
)
def test_a_mistake_names_its_field(parse: Parse, fields: dict[str, Any], param: str, code: str | None) -> None:
    """In OpenAI's words; a field that nobody knows is a mistake, too."""
    with pytest.raises(InvalidRequest) as refused:
        parse(fields)

    assert refused.value.param == param
    assert code in (None, refused.value.code)


def test_limits_themselves_are_allowed() -> None:
    """The longest name, label and life."""
    labels = {"x" * MAX_LABEL_KEY: "y" * MAX_LABEL}
    parsed = KEY({"name": "x" * MAX_NAME, "labels": labels, "expires_in_seconds": 31_536_000})

    assert (parsed.name, parsed.wanted.labels) == ("x" * MAX_NAME, labels)
    assert parsed.wanted.expires_in_seconds == 31_536_000


@pytest.mark.parametrize("scope", ["admin", "api.admin", "*", "API.ALL", "api.all.read "])
@pytest.mark.parametrize("parse", [KEY, KEY_CHANGES, lambda fields: ACCOUNT({"name": "a", **fields})])
def test_no_project_key_is_asked_for_what_administrators_may(parse: Parse, scope: str) -> None:
    """Whichever call it is, and however it is written."""
    with pytest.raises(InvalidRequest):
        parse({"scopes": [scope]})


def test_the_widest_key_is_no_administrators() -> None:
    """Neither without scopes nor with all of them."""
    widest = KEY({"scopes": ["api.all", "api.all.write", *ALL_OF_PROJECT]})

    assert Scope.ADMIN not in scopes_of(widest.wanted.scopes or ())
    assert Scope.ADMIN not in scopes_of(a_key().scopes)
    assert not a_key().is_admin


def test_a_project_is_made_and_changed() -> None:
    """What is not named stays; labels are replaced as a whole."""
    project = new_project.new_project("a", PROJECT({"name": "One", "labels": {"team": "red"}}), NOW)

    assert project == Project(id="a", name="One", created_at=NOW, labels={"team": "red"})
    assert new_project.changed(project, CHANGES({"labels": None})) == project
    assert new_project.changed(project, ProjectChanges(labels={})).labels == {}
    assert new_project.changed(project, CHANGES({"name": "Two"})).labels == {"team": "red"}


def test_an_archived_project_stays_as_it_was() -> None:
    """Archiving again changes nothing, and nothing else can be changed."""
    project = new_project.archived(new_project.new_project("a", PROJECT({"name": "One"}), NOW), NOW)

    assert new_project.archived(project, NOW + timedelta(hours=1)).archived_at == NOW
    with pytest.raises(WrongState, match="archived"):
        new_project.changed(project, ProjectChanges(name="Two"))


def test_the_default_project_cannot_be_archived() -> None:
    """The bootstrap key works in it."""
    with pytest.raises(InvalidRequest, match="default project"):
        new_project.archived(default_project(NOW), NOW)


def test_model_permissions_are_read() -> None:
    """Each model once, in the order given; an empty list is meant."""
    assert POLICY({"mode": "deny_list", "model_ids": ["b", "a", "b"]}) == ModelPermissions(
        mode=ModelMode.DENY_LIST, model_ids=("b", "a")
    )
    assert POLICY({"mode": "allow_list", "model_ids": []}).model_ids == ()


def test_an_account_has_a_first_key_unless_it_is_to_be_alone() -> None:
    """The role says which it was."""
    with_key, alone = ACCOUNT({"name": "a"}), ACCOUNT({"name": "a", "create_service_account_only": True})

    assert (with_key.key, with_key.role) == (KeyChanges(), Role.MEMBER)
    assert (alone.key, alone.role) == (None, Role.NONE)
    with pytest.raises(InvalidRequest, match="expires_in_seconds"):
        ACCOUNT({"name": "a", "create_service_account_only": True, "expires_in_seconds": 60})


def test_an_account_is_changed() -> None:
    """What is not named stays."""
    account = ServiceAccount(id="a", project_id="p", name="One", created_at=NOW)

    assert new_service_account.changed_account(account, AccountChanges()) == account
    changed = new_service_account.changed_account(account, ACCOUNT_CHANGES({"name": "Two", "role": "owner"}))
    assert (changed.name, changed.role) == ("Two", Role.OWNER)


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_key_is_stored_as_its_digest(is_admin: bool) -> None:  # noqa: FBT001 - a case
    """The text opens it under its pepper; the record has no part of the text but its ending."""
    made = secret(7, is_admin=is_admin)
    key = new_key.new_key(made, "mine", Place(), KeyChanges(), NOW)
    parsed = parse_key(made.text)

    assert parsed is not None
    assert (parsed.id, parsed.is_admin) == (KEY_ID, is_admin)
    assert (key.digest, key.pepper, key.ending) == (digest_of(parsed, b"pepper"), "first", made.text[-4:])
    assert parsed.secret not in str(msgspec.to_builtins(key)) + repr(made)


def test_a_key_is_changed() -> None:
    """Scopes and models replace; none of them takes the limit away; the rest stays."""
    key = a_key(scopes=("api.files.read",), models=("m",), labels={"a": "b"}, expires_in_seconds=60)

    assert key.expires_at == NOW + timedelta(seconds=60)
    assert new_key.changed(key, KeyChanges(), NOW) == key
    free = new_key.changed(key, KeyChanges(scopes=(), models=(), labels={}), NOW)
    assert (free.scopes, free.models, free.labels) == ((), None, {})
    later = new_key.changed(key, KeyChanges(expires_in_seconds=60), NOW + timedelta(seconds=30))
    assert later.expires_at == NOW + timedelta(seconds=90)


def test_an_expired_key_does_not_come_back() -> None:
    """An update would revive it."""
    with pytest.raises(WrongState, match="expired"):
        new_key.changed(a_key(expires_in_seconds=60), KeyChanges(expires_in_seconds=60), NOW + timedelta(seconds=60))


def test_a_reissued_key_is_the_same_with_another_secret() -> None:
    """Its first text opens it no more."""
    key, another = a_key(scopes=("api.files.read",)), secret(9)
    again = new_key.reissued(key, another)

    assert (again.id, again.scopes, again.digest) == (key.id, key.scopes, another.digest)
    assert again.digest != key.digest
