"""Inserting a batch once, however often an SDK repeats the call; for every route that creates one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from azurefunctions.extensions.http.fastapi import Request

from api.edge.endpoint import Call
from api.edge.repeated_creates import claim
from shared.domain.batches.batch import Batch
from shared.ports.base import AlreadyExists
from shared.run.batches.change import tell

Build = Callable[[str, datetime], Awaitable[Batch]]


async def create_once(request: Request, call: Call, body: bytes, build: Build) -> tuple[Batch, bool]:
    """The stored batch, and whether this call created it. `build` makes the record of the id and time given.

    What `build` raises creates nothing. Raises InvalidRequest for a key that was used for another request.
    """

    async def find(batch_id: str) -> Batch | None:
        stored = await call.service.stores.batches.get(call.caller.owner, batch_id)
        return stored.value if stored else None

    claimed = await claim(request, call, body, find, owner=call.caller.owner)
    if claimed.made is not None:
        return claimed.made, False
    batch = await build(claimed.id, claimed.at)
    try:
        await call.service.stores.batches.insert(batch)
    except AlreadyExists:  # By another attempt of the same call, at this moment.
        return await find(batch.id) or batch, False
    tell(None, batch, batch.created_at)
    return batch, True
