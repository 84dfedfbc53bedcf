"""Create calls that may come twice: what is remembered of the first, and which later call is the same one again.

SDKs repeat a create call whose answer they did not get, and send no key with it (contract 6.5). Three signs tell a
repetition: the `Idempotency-Key` header of a careful caller (ours, docs/api.md), the `x-ms-client-request-id` of
Azure's clients, which all attempts of a call share (contract 9.6), and the count of retries of OpenAI's. Without a sign
every call is a new one: two deliberate calls are never taken for one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

import msgspec

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import too_long

# A retry comes seconds after a failure, and a failure at the latest when Azure's front end gives up, after 230 s.
RETRY_LIFE: Final = timedelta(minutes=5)
KEY_LIFE: Final = timedelta(hours=24)
MAX_KEY: Final = 255


class Sign(Enum):
    """By what a call is recognised; the first that it carries counts."""

    KEY = auto()
    CLIENT_REQUEST = auto()
    RETRY_COUNT = auto()


class Creation(msgspec.Struct, frozen=True, kw_only=True):
    """One create call: `object_id` and `at` are the id and time of creation that what it makes has, or will have.

    `name` is unique to the caller and what identifies the call; `request` is a digest of the whole request;
    `retries` is the SDK's count.
    """

    name: str
    request: str
    retries: int
    object_id: str = msgspec.field(name="batch_id")  # As it is stored; once only batches were created so.
    at: datetime

    def is_forgotten(self, now: datetime) -> bool:
        """Whether no later call can be the same one."""
        return now - self.at >= KEY_LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatableCall:
    """A create call that carries a sign."""

    name: str
    request: str
    retries: int
    sign: Sign

    def repeats(self, earlier: Creation, now: datetime, *, overtaken: bool) -> bool:
        """Whether this call repeats `earlier`. `overtaken`: it was written after this call had begun.

        For a first attempt that its own second attempt overtook, the earlier record is that of its retry. Raises
        InvalidRequest if the caller's key was used for another request.
        """
        if self.sign is Sign.CLIENT_REQUEST:
            return now - earlier.at < RETRY_LIFE
        if self.sign is Sign.RETRY_COUNT:
            is_later = self.retries > 0 or (overtaken and earlier.retries > 0)
            return is_later and now - earlier.at < RETRY_LIFE
        if earlier.is_forgotten(now):
            return False
        if earlier.request != self.request:
            raise InvalidRequest(
                "This Idempotency-Key was used for another request. Send a new key with a new request.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        return True


def repeatable_call(
    *, owner: str, route: str, body: bytes, key: str | None, client_request: str | None, retry_count: str | None
) -> RepeatableCall | None:
    """The call as it can be recognised, or None. `route` is path and query; the last three are the signs' headers.

    Only a caller's key promises that it is used once: under the other signs another request is another call.
    Raises InvalidRequest.
    """
    request = _digest(route.encode(), body)
    counted = retry_count is not None and retry_count.isascii() and retry_count.isdigit() and len(retry_count) < 4
    retries = int(retry_count or 0) if counted else 0
    if key:
        if len(key) > MAX_KEY:
            raise too_long("Idempotency-Key", len(key), MAX_KEY)
        name = _digest(b"key", owner.encode(), key.encode())
        return RepeatableCall(name=name, request=request, retries=retries, sign=Sign.KEY)
    if client_request:
        name = _digest(b"client request", owner.encode(), request.encode(), client_request.encode())
        return RepeatableCall(name=name, request=request, retries=retries, sign=Sign.CLIENT_REQUEST)
    if not counted:
        return None
    name = _digest(b"request", owner.encode(), request.encode())
    return RepeatableCall(name=name, request=request, retries=retries, sign=Sign.RETRY_COUNT)


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
