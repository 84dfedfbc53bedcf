"""Creating a batch once, however often an SDK repeats the call (contract 6.5); for every route that creates one.

The id is chosen and written down before the batch is: whoever comes second, in any process, finds the id, and of two
inserts under one id one wins.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import datetime

from azurefunctions.extensions.http.fastapi import Request

from api.edge.endpoint import Call
from shared.domain import ids
from shared.domain.batches.batch import Batch
from shared.domain.batches.creation import RETRY_LIFE, Creation, RepeatableCall, repeatable_call
from shared.ports.base import AlreadyExists, Changed
from shared.run.batches.change import tell

Build = Callable[[str, datetime], Awaitable[Batch]]


async def create_once(request: Request, call: Call, body: bytes, build: Build) -> tuple[Batch, bool]:
    """The stored batch, and whether this call created it. `build` makes the record of the id and time given.

    What `build` raises creates nothing. Raises InvalidRequest for a key that was used for another request.
    """
    repeatable = repeatable_call(
        owner=call.caller.owner,
        route=f"{request.method} {request.url.path}?{request.url.query}",
        body=body,
        key=request.headers.get("idempotency-key"),
        client_request=request.headers.get("x-ms-client-request-id"),
        retry_count=request.headers.get("x-stainless-retry-count"),
    )
    if repeatable is None:
        now = call.service.now()
        return await _insert(call, await build(_new_id(now), now))
    creation, batch = await _claim(call, repeatable)
    if batch is not None:
        return batch, False
    return await _insert(call, await build(creation.batch_id, creation.at))


async def _insert(call: Call, batch: Batch) -> tuple[Batch, bool]:
    try:
        await call.service.stores.batches.insert(batch)
    except AlreadyExists:  # By another attempt of the same call, at this moment.
        stored = await call.service.stores.batches.get(batch.owner, batch.id)
        return (stored.value if stored else batch), False
    tell(None, batch, batch.created_at)
    return batch, True


async def _claim(call: Call, repeatable: RepeatableCall) -> tuple[Creation, Batch | None]:
    """The creation this call belongs to: its own, or an earlier attempt's with the batch that has come of it."""
    overtaken = False
    while True:
        now = call.service.now()
        earlier = await call.service.stores.creations.get(repeatable.name)
        if earlier is not None and repeatable.repeats(earlier.value, now, overtaken=overtaken):
            stored = await call.service.stores.batches.get(call.caller.owner, earlier.value.batch_id)
            if stored is not None or now - earlier.value.at < RETRY_LIFE:
                return earlier.value, stored.value if stored else None
        creation = Creation(
            name=repeatable.name,
            request=repeatable.request,
            retries=repeatable.retries,
            batch_id=_new_id(now),
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
