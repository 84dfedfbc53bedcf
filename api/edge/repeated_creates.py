"""Creating a thing once, however often an SDK repeats the call (contract 6.5); for every route that creates one.

The id is chosen and written down before the thing is: whoever comes second, in any process, finds the id, and of two
inserts under one id one wins.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from azurefunctions.extensions.http.fastapi import Request

from api.edge.endpoint import Call
from shared.domain import ids
from shared.domain.batches.creation import RETRY_LIFE, Creation, RepeatableCall, repeatable_call
from shared.ports.base import Changed

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Generic[T]):
    """The id and time of what a call makes, and what an earlier attempt of the same call has made under that id.

    `is_retry`: an SDK says that it did not get the answer to an attempt before.
    """

    id: str
    at: datetime
    made: T | None = None
    is_retry: bool = False


async def claim(
    request: Request, call: Call, body: bytes, find: Callable[[str], Awaitable[T | None]], *, owner: str
) -> Claim[T]:
    """The claim of this call, its own or an earlier attempt's. `find` looks for what has come of an id.

    `owner` is whose calls may be each other's repetition. Raises InvalidRequest for a key that was used for another
    request.
    """
    repeatable = repeatable_call(
        owner=owner,
        route=f"{request.method} {request.url.path}?{request.url.query}",
        body=body,
        key=request.headers.get("idempotency-key"),
        client_request=request.headers.get("x-ms-client-request-id"),
        retry_count=request.headers.get("x-stainless-retry-count"),
    )
    if repeatable is None:
        now = call.service.now()
        return Claim(id=_new_id(now), at=now)
    creation, made = await _remembered(call, repeatable, find)
    return Claim(id=creation.object_id, at=creation.at, made=made, is_retry=repeatable.retries > 0)


async def _remembered(
    call: Call, repeatable: RepeatableCall, find: Callable[[str], Awaitable[T | None]]
) -> tuple[Creation, T | None]:
    """The creation this call belongs to: its own, or an earlier attempt's with what has come of it."""
    overtaken = False
    while True:
        now = call.service.now()
        earlier = await call.service.stores.creations.get(repeatable.name)
        if earlier is not None and repeatable.repeats(earlier.value, now, overtaken=overtaken):
            made = await find(earlier.value.object_id)
            if made is not None or now - earlier.value.at < RETRY_LIFE:
                return earlier.value, made
        creation = Creation(
            name=repeatable.name,
            request=repeatable.request,
            retries=repeatable.retries,
            object_id=_new_id(now),
            at=now,
        )
        try:
            await call.service.stores.creations.put(creation, earlier.version if earlier else None)
        except Changed:
            overtaken = True
        else:
            return creation, None


def _new_id(at: datetime) -> str:
    return ids.new_id(at, os.urandom(10))
