"""From the headers of a call to its caller.

Rule of this file: the key of a call reaches neither a log nor an error, nor anything that is kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from starlette.datastructures import Headers

from shared.domain.errors import Unauthenticated
from shared.domain.keys.caller import ADMINISTRATOR, Caller, no_key, operator_in, unknown_key
from shared.domain.keys.project import default_project
from shared.domain.keys.scopes import Scope
from shared.services import Services


async def authenticate(service: Services, headers: Headers, scope: Scope) -> Caller:
    """The caller behind the keys of a call, who may do what `scope` says; one valid key is enough (contract 6.3).

    Raises Unauthenticated, Forbidden.
    """
    keys = presented_keys(headers)
    if not keys:
        raise no_key()
    caller = _caller(service, keys, scope)
    caller.require(scope)
    return caller


def presented_keys(headers: Headers) -> list[str]:
    """Each once. A header that comes twice is not read: others in front may have read the other one."""
    return list(dict.fromkeys(key for key in (_bearer(headers), _once(headers, "api-key")) if key))


def _bearer(headers: Headers) -> str:
    scheme, _, token = _once(headers, "authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _once(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    return values[0].strip() if len(values) == 1 else ""


def _caller(service: Services, keys: Sequence[str], scope: Scope) -> Caller:
    bootstrap_key = service.settings.bootstrap_key
    if not bootstrap_key:
        raise Unauthenticated("This service has no key yet. Its operator must set BATCH_BOOTSTRAP_KEY.")
    matches = [_same(bootstrap_key, key) for key in keys]  # all of them: the first match must not save time
    if not any(matches):
        raise unknown_key()
    return ADMINISTRATOR if scope in ADMINISTRATOR.scopes else operator_in(default_project(service.now()))


def _same(secret: str, presented: str) -> bool:
    """Digests first, so that neither the length nor the position of a difference shows in the time taken."""
    return hmac.compare_digest(_digest(secret), _digest(presented))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
