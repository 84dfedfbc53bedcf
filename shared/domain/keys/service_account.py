"""Service accounts: in whose name keys of a project are made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Role(StrEnum):
    """OpenAI's roles of an account in a project; here only a word that is shown."""

    MEMBER = "member"
    OWNER = "owner"
    NONE = "none"


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is canonical. Without it, its keys open nothing: whoever deletes it deletes them."""

    id: str
    project_id: str
    name: str
    created_at: datetime
    role: Role = Role.MEMBER
