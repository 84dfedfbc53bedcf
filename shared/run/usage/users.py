"""The names behind the ids of a ledger. It reads each project and each key once, as many as used something."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.used_by import UsedBy, used_by
from shared.domain.usage.report import Used
from shared.run.projects import find_project
from shared.run.usage.report import READS_AT_ONCE
from shared.services import Services

T = TypeVar("T")
User = tuple[str, str | None]  # A project's id and a key's.


def user_of(used: Used) -> User:
    return used.project, used.tally.key_id


async def users_of(service: Services, used: Iterable[Used]) -> dict[User, UsedBy]:
    """Raises Unavailable."""
    users = {user_of(one) for one in used}

    async def find_key(key_id: str) -> ApiKey | None:
        stored = await service.stores.api_keys.get(key_id)
        return stored.value if stored else None

    projects = await _found({project for project, _ in users}, lambda id_: find_project(service, id_))
    keys = await _found({key for _, key in users if key}, find_key)
    return {(of, key): used_by(of, projects[of], key, keys[key] if key else None) for of, key in users}


async def _found(ids: Iterable[str], find: Callable[[str], Awaitable[T]]) -> dict[str, T]:
    limit = asyncio.Semaphore(READS_AT_ONCE)

    async def one(id_: str) -> tuple[str, T]:
        async with limit:
            return id_, await find(id_)

    return dict(await asyncio.gather(*map(one, ids)))
