"""From the keys of a call to its caller: the bootstrap key first, then what the key's record says.

A caller is remembered for a moment (`known_callers`): most calls read nothing. An unknown id costs what a wrong secret
does. Storage that is down is no open door: who is not remembered waits.

Rule of this file: a key's text reaches neither a log nor an error, nor anything that is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared.domain.errors import DurableBatchError, Unauthenticated
from shared.domain.keys.api_key import ApiKey
from shared.domain.keys.bootstrap import is_bootstrap_key
from shared.domain.keys.caller import ADMINISTRATOR, Caller, caller_of, is_proven, no_key, operator_in, unknown_key
from shared.domain.keys.key_text import KeyText, digest_of, parse_key
from shared.domain.keys.scopes import Scope
from shared.ports.base import Changed, Stored
from shared.run.projects import find_default_project, find_project
from shared.services import Services

USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)
_OPERATOR: Final = b"operator"  # No digest: it is shorter.
_notes: dict[str, asyncio.Task[None]] = {}  # Key id -> the write of its last use that is under way.


async def authenticate(service: Services, keys: Sequence[str], scope: Scope) -> Caller:
    """The caller who presents `keys`, one valid one among them, and may do what `scope` says.

    Raises Unauthenticated, Forbidden, and Unavailable where only storage could tell.
    """
    caller = await _caller(service, keys, scope)
    caller.require(scope)
    return caller


async def _caller(service: Services, keys: Sequence[str], scope: Scope) -> Caller:
    bootstrap_key = service.settings.bootstrap_key
    if not keys:
        raise no_key()
    if not bootstrap_key:
        raise Unauthenticated("This service has no key yet. Its operator must set BATCH_BOOTSTRAP_KEY.")
    matches = [is_bootstrap_key(bootstrap_key, key) for key in keys]  # all: the first match must not save time
    if any(matches):
        return ADMINISTRATOR if scope in ADMINISTRATOR.scopes else await _operator(service)
    refusals: list[DurableBatchError] = []
    for key in keys:
        try:
            return await _by_key(service, key)
        except DurableBatchError as refusal:
            refusals.append(refusal)
    raise next((each for each in refusals if not isinstance(each, Unauthenticated)), refusals[0])


async def _operator(service: Services) -> Caller:
    """The bootstrap key's caller where a project is asked for."""
    now, epoch = service.now(), service.callers.epoch
    known = service.callers.get(_OPERATOR, now)
    if known is None:
        known = operator_in(await find_default_project(service))
        service.callers.put(_OPERATOR, known, now, None, epoch)
    return known


async def _by_key(service: Services, text: str) -> Caller:
    name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    now, epoch = service.now(), service.callers.epoch
    known = service.callers.get(name, now)
    if known is not None:
        return known
    presented = parse_key(text)
    if presented is None:
        raise unknown_key()
    stored = await service.stores.api_keys.get(presented.id)
    key = stored.value if stored else None
    proven = is_proven(key, _digest(service.settings.peppers, key, presented))
    if stored is None or not proven:
        raise unknown_key()
    caller = await _let_in(service, stored.value, now)
    service.callers.put(name, caller, now, stored.value.expires_at, epoch)
    _note_use(service, stored, now)
    return caller


def _digest(peppers: Mapping[str, bytes], key: ApiKey | None, presented: KeyText) -> str:
    """Under the pepper of the key; under another where there is no key, for the work."""
    newest = next(iter(peppers), "")
    return digest_of(presented, peppers.get(key.pepper if key else newest, b""))


async def _let_in(service: Services, key: ApiKey, now: datetime) -> Caller:
    if key.project_id is None or key.service_account_id is None:
        return caller_of(key, None, has_account=False, now=now)
    project, account = await asyncio.gather(
        find_project(service, key.project_id),
        service.stores.service_accounts.get(key.project_id, key.service_account_id),
    )
    return caller_of(key, project, has_account=account is not None, now=now)


def _note_use(service: Services, stored: Stored[ApiKey], now: datetime) -> None:
    """Off the call's path."""
    key = stored.value
    if key.id in _notes or (key.last_used_at is not None and now - key.last_used_at < USE_IS_NOTED_EVERY):
        return
    used = Stored(msgspec.structs.replace(key, last_used_at=now), stored.version)
    _notes[key.id] = asyncio.create_task(_write(service, used))
    _notes[key.id].add_done_callback(lambda _: _notes.pop(key.id, None))


async def _write(service: Services, used: Stored[ApiKey]) -> None:
    """A note that is lost costs nothing; a key that was deleted meanwhile stays so."""
    with contextlib.suppress(Changed, DurableBatchError):
        await service.stores.api_keys.replace(used.value, used.version)
