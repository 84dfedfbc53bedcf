"""The bodies of the calls about service accounts, checked (contract 10.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.keys.admin_fields import check_known, name_in, required_name
from shared.domain.keys.new_key import KEY_FIELDS, KeyChanges, changes_in
from shared.domain.keys.service_account import Role, ServiceAccount
from shared.domain.parameters import choice, wrong_type

_ALONE: Final = "create_service_account_only"
_GIVEN: Final = (Role.MEMBER, Role.OWNER)  # An update cannot ask for `none`.


class NewServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """A checked create call; `key` is what its first key may do, None: it gets no key."""

    name: str
    key: KeyChanges | None

    @property
    def role(self) -> Role:
        return Role.NONE if self.key is None else Role.MEMBER


class AccountChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What an update asks for; None leaves as it is."""

    name: str | None = None
    role: Role | None = None


def parse_new_account(fields: Mapping[str, Any]) -> NewServiceAccount:
    """The body of a create call, which may say what the first key may do. Raises InvalidRequest."""
    check_known(fields, KEY_FIELDS | {"name", _ALONE})
    name, wanted = required_name(fields), changes_in(fields)
    if not _is_alone(fields.get(_ALONE)):
        return NewServiceAccount(name=name, key=wanted)
    if not wanted.is_empty:
        raise InvalidRequest(
            f"With '{_ALONE}' there is no key that {', '.join(sorted(KEY_FIELDS & fields.keys()))} could be about. "
            "Leave these out, or leave it out.",
            code="invalid_value",
            param=_ALONE,
        )
    return NewServiceAccount(name=name, key=None)


def parse_account_changes(fields: Mapping[str, Any]) -> AccountChanges:
    """The body of an update. Raises InvalidRequest."""
    check_known(fields, {"name", "role"})
    return AccountChanges(name=name_in(fields), role=_role(fields.get("role")))


def new_account(account_id: str, project_id: str, wanted: NewServiceAccount, now: datetime) -> ServiceAccount:
    return ServiceAccount(id=account_id, project_id=project_id, name=wanted.name, created_at=now, role=wanted.role)


def changed_account(account: ServiceAccount, changes: AccountChanges) -> ServiceAccount:
    wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None}
    return msgspec.structs.replace(account, **wanted)


def _is_alone(value: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        raise wrong_type(_ALONE, "a boolean", value)
    return bool(value)


def _role(value: Any) -> Role | None:
    if value is None:
        return None
    return choice("role", value, _GIVEN)
