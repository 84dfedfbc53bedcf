"""Keys of projects and of administrators, made past the routes of administration."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.ids import new_id
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.key_text import SECRET_BYTES, digest_of, parse_key, write_key
from shared.domain.keys.pepper import Peppers
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount
from shared.services import Services

PEPPERS = Peppers({"first": b"f" * 32, "second": b"s" * 32})


@dataclass(frozen=True, kw_only=True)
class MadeKey:
    """A key's text and its record as it was made."""

    text: str
    record: ApiKey

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.text}"}


def an_id(at: datetime) -> str:
    return new_id(at, os.urandom(10))


def with_peppers(service: Services, peppers: Peppers = PEPPERS) -> Services:
    return replace(service, settings=replace(service.settings, peppers=peppers))


async def make_project(service: Services, **changes: Any) -> Project:
    at = service.now()
    project = Project(**{"id": an_id(at), "name": "Translations", "created_at": at} | changes)
    await service.stores.projects.insert(project)
    return project


async def change_project(service: Services, project: Project, **changes: Any) -> None:
    stored = await service.stores.projects.get(project.id)
    assert stored
    await service.stores.projects.replace(msgspec.structs.replace(stored.value, **changes), stored.version)


async def make_key(service: Services, project: Project | None = None, pepper: str = "first", **changes: Any) -> MadeKey:
    """A key of a new account of the project; without a project, an administrator's."""
    at = service.now()
    account = None
    if project is not None:
        account = ServiceAccount(id=an_id(at), project_id=project.id, name="nightly", created_at=at)
        await service.stores.service_accounts.insert(account)
    text = write_key(an_id(at), os.urandom(SECRET_BYTES), is_admin=project is None)
    parsed = parse_key(text)
    assert parsed
    record = ApiKey(
        id=parsed.id,
        name="nightly job",
        digest=digest_of(parsed, PEPPERS[pepper]),
        pepper=pepper,
        ending=text[-4:],
        created_at=at,
        project_id=project.id if project else None,
        service_account_id=account.id if account else None,
    )
    record = msgspec.structs.replace(record, **changes)
    await service.stores.api_keys.insert(record)
    return MadeKey(text=text, record=record)
