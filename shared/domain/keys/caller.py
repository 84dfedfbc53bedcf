"""Keys: who is calling. Today there is one key, the bootstrap key, and one owner; projects grow from `Caller`.

Rule of this file: a secret is only ever compared by digest, in constant time, and appears in no message.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.errors import Unauthenticated

DEFAULT_OWNER = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller; `owner` goes on every record it makes and bounds every look-up.

    `key_id`: of its API key; None for the bootstrap key.
    """

    owner: str
    key_id: str | None = None


def authenticate(bootstrap_key: str, presented: Iterable[str]) -> Caller:
    """The caller behind the keys a request carries; one valid key among them is enough (contract 6.3).

    Raises Unauthenticated if there is none, none is known, or the service has no key at all.
    """
    keys = [key for key in presented if key]
    if not keys:
        raise Unauthenticated(
            "No API key was given. Send your key as 'Authorization: Bearer <key>' or as 'api-key: <key>'."
        )
    if not bootstrap_key:
        raise Unauthenticated("This service has no key yet. Its operator must set BATCH_BOOTSTRAP_KEY.")
    matches = [_same(bootstrap_key, key) for key in keys]  # all of them: the first match must not save time
    if not any(matches):
        raise Unauthenticated(
            "Incorrect API key. Check the key, and that it belongs to this service.", code="invalid_api_key"
        )
    return Caller(owner=DEFAULT_OWNER)


def _same(secret: str, presented: str) -> bool:
    """Digests first, so that neither the length nor the position of a difference shows in the time taken."""
    return hmac.compare_digest(_digest(secret), _digest(presented))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
