"""How handlers come by a batch record, and show it: what the routes of batches share.

The record is the truth; counts of a running batch are added up from its chunk rows at every look.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

from azurefunctions.extensions.http.fastapi import Request

from api.batches.rendering import Sighting, render_batch
from api.edge.dialect import parse_batch_id, parse_file_id
from api.edge.endpoint import Call, StartRun
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.live_counts import with_progress
from shared.domain.batches.new_batch import NewBatch
from shared.domain.errors import NotFound
from shared.domain.pace.target_state import target_states
from shared.domain.parameters import shortened
from shared.ports.base import Stored
from shared.run.health.held_up import heartbeats, held_up

log = logging.getLogger(__name__)


async def try_to_start(start: StartRun, batch: Batch) -> None:
    """Never raises: a run that could not be started is started by `reconcile_batches`."""
    try:
        await start(batch)
    except Exception:  # The batch exists; answering an error would make the caller create a second one.
        log.exception("Could not start a run.", extra={"action": "start_run", "batch_id": batch.id})


async def new_record(call: Call, new: NewBatch, batch_id: str, now: datetime) -> Batch:
    """The record of a new batch. An input file that is unknown is no error yet: validation says so (contract 1.5.5)."""
    owner = call.caller.owner
    canonical = parse_file_id(new.input_file_id)
    file = await call.service.stores.files.get(owner, canonical) if canonical else None
    return Batch(
        id=batch_id,
        owner=owner,
        vendor=call.dialect.vendor,
        endpoint=new.endpoint,
        input_file_id=canonical or new.input_file_id,
        input_blob=file.blob if file else "",
        input_url=new.input_url,
        output_folder=new.output_folder,
        completion_window=new.completion_window,
        created_at=now,
        expires_at=now + timedelta(seconds=new.window_seconds),
        metadata=new.metadata,
        output_expires_after_seconds=new.output_expires_after_seconds,
        key_id=call.caller.key_id,
        priority=new.priority,
        leaders_first=new.leaders_first,
        key_models=call.caller.models,
        callback=new.callback,
    )


async def find_batch(request: Request, call: Call) -> Stored[Batch]:
    """The batch of the path. Raises NotFound."""
    given = request.path_params["batch_id"]
    canonical = parse_batch_id(given)
    stored = await call.service.stores.batches.get(call.caller.owner, canonical) if canonical else None
    if stored is None:  # Literal: contract 1.3.
        raise NotFound(f"No batch found with id '{shortened(given)}'.")
    return stored


async def show_batch(call: Call, batch: Batch) -> dict[str, Any]:
    """The batch as the caller's dialect shows it now. Lists do not ask for heartbeats, at a query for each batch."""
    rows, beats = await asyncio.gather(_rows(call, batch), heartbeats(call.service, batch))
    reason = await held_up(call.service, batch, rows, beats)
    now = call.service.now()
    states = target_states(beats, now, call.service.settings.stale_seconds)
    return render_batch(call.dialect, with_progress(batch, rows), now, Sighting(held_up=reason, targets=states))


async def _rows(call: Call, batch: Batch) -> list[ChunkRow]:
    """Before validation is through, and after the end, there is nothing to add up."""
    if batch.is_terminal or batch.status is Status.VALIDATING:
        return []
    return await call.service.stores.chunks.list(batch.id)


async def with_live_counts(call: Call, batch: Batch) -> Batch:
    return with_progress(batch, await _rows(call, batch))
