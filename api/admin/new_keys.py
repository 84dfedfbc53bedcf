"""Making a key, once: its text is in the answer, and nowhere else (contract 10.2).

An SDK that did not get the answer repeats the call, and what the key's text was nobody knows any more. So the key gets
another secret, and the first one opens nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.admin.audit import write_down
from api.admin.finding import account_at, unknown
from api.admin.rendering import account_id, key_id
from api.edge.endpoint import Call
from api.edge.repeated_creates import Claim
from shared.domain.batches.creation import RETRY_LIFE
from shared.domain.errors import WrongState
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.key_text import SECRET_BYTES
from shared.domain.keys.new_key import KeyChanges, Place, Secret, new_key, new_secret, reissued
from shared.domain.keys.pepper import pepper_for_new
from shared.domain.keys.project import Project
from shared.domain.keys.service_account import ServiceAccount
from shared.ports.base import AlreadyExists, Changed, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A key that is to be made; `project` None: an administrator's. `is_retry`: the answer to an attempt was lost."""

    id: str
    name: str
    at: datetime
    wanted: KeyChanges
    project: Project | None = None
    account: ServiceAccount | None = None
    is_retry: bool = False

    @property
    def place(self) -> Place:
        if self.account is None:
            return Place()
        return Place(project_id=self.account.project_id, service_account_id=self.account.id)


def is_lost_answer(claimed: Claim[Any], now: datetime) -> bool:
    """Whether an SDK repeats a call whose answer it did not get, and not anybody one that was answered."""
    return claimed.is_retry and now - claimed.at < RETRY_LIFE


async def make_key(call: Call, plan: Plan) -> tuple[ApiKey, Secret]:
    """The key as it is stored now, and the only secret that opens it.

    Raises WrongState if it was made before and this is no retry.
    """
    keys = call.service.stores.api_keys
    secret = new_secret(
        plan.id, os.urandom(SECRET_BYTES), pepper_for_new(call.service.settings), is_admin=plan.project is None
    )
    while True:
        stored = await keys.get(plan.id)
        if stored is not None:
            return await _reissue(call, plan, stored, secret)
        key = new_key(secret, plan.name, plan.place, plan.wanted, plan.at)
        await write_down(
            call, "api_key.created", key, plan.project, data={"name": key.name, "scopes": list(key.scopes)}
        )
        try:
            await keys.insert(key)
        except AlreadyExists:  # By another attempt of the same call, at this moment.
            continue
        await _check_account(call, plan)
        return key, secret


async def _check_account(call: Call, plan: Plan) -> None:
    """Whoever deletes an account deletes its keys, but not one that was made after. Raises NotFound."""
    account = plan.account
    if account is not None and await account_at(call, account.project_id, account.id) is None:
        await call.service.stores.api_keys.delete(plan.id)
        raise unknown("service account", account_id(account.id))


async def _reissue(call: Call, plan: Plan, stored: Stored[ApiKey], secret: Secret) -> tuple[ApiKey, Secret]:
    """Of several attempts at once one gets a key that works: the others' answers are not waited for any more."""
    if not plan.is_retry:
        raise already_created(plan.id)
    key = reissued(stored.value, secret)
    await write_down(call, "api_key.updated", key, plan.project, changes_requested={})
    try:
        await call.service.stores.api_keys.replace(key, stored.version)
    except Changed:
        raise already_created(plan.id) from None
    return key, secret


def already_created(canonical: str) -> WrongState:
    """The call was repeated, and its answer cannot be given again."""
    return WrongState(
        f"This call has made the key '{key_id(canonical)}' already, and a key is shown once only. If you have not got "
        "it, delete that one and create another, with a new Idempotency-Key if you send any.",
        code="already_created",
    )
