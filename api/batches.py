"""The batches routes: create, retrieve, list, cancel (contract 1.5.5 to 1.5.7).

Handlers parse, load, call the domain, store and return. The record is the truth: a run that could not be started is
started later by `reconcile_batches`.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batch_query import parse_batch_query
from api.batch_search import search
from api.creation import create_once
from api.dialect import created_batch, parse_batch_id, parse_file_id
from api.endpoint import Call, StartRun, json_response
from api.rendering import render_batch, render_batches
from shared.domain.batch import Batch, CancelRequested, Status, with_progress
from shared.domain.errors import InvalidRequest, NotFound
from shared.domain.new_batch import NewBatch, parse_new_batch
from shared.domain.parameters import shortened
from shared.ports import Stored
from shared.run.change import change

MAX_BODY_BYTES = 262_144
_log = logging.getLogger(__name__)


async def create_batch(request: Request, call: Call, start: StartRun) -> Response:
    body = await _body(request)
    new = parse_new_batch(
        body,
        endpoints=call.dialect.endpoints,
        windows=call.services.settings.windows(),
        fills_expiry=call.dialect.fills_expiry,
    )

    async def build(batch_id: str, now: datetime) -> Batch:
        return await _new_record(call, new, batch_id, now)

    batch, is_new = await create_once(request, call, body, build)
    if is_new:
        await _try_to_start(start, batch)
    shown = await _with_progress(call, batch)
    return json_response(render_batch(call.dialect, shown), created_batch(call.dialect, call.api_version))


async def retrieve_batch(request: Request, call: Call) -> Response:
    stored = await _find(request, call)
    return json_response(render_batch(call.dialect, await _with_progress(call, stored.value)))


async def list_batches(request: Request, call: Call) -> Response:
    query = parse_batch_query(request.query_params, call.dialect)
    found = await search(call.services.batches, call.caller.owner, query)
    batches = await asyncio.gather(*(_with_progress(call, batch) for batch in found.batches))
    return json_response(render_batches(call.dialect, batches, position=found.position))


async def cancel_batch(request: Request, call: Call) -> Response:
    """No body is read: SDKs announce JSON and send none (contract 1.5.7)."""
    stored = await _find(request, call)
    batch = await change(call.services, stored.value, CancelRequested())
    return json_response(render_batch(call.dialect, await _with_progress(call, batch)))


async def _try_to_start(start: StartRun, batch: Batch) -> None:
    try:
        await start(batch)
    except Exception:  # The batch exists; answering an error would make the caller create a second one.
        _log.exception("Could not start a run.", extra={"action": "start_run", "batch_id": batch.id})


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise InvalidRequest(f"The request body is larger than {MAX_BODY_BYTES} bytes. Request lines go in a file.")
    return bytes(body)


async def _new_record(call: Call, new: NewBatch, batch_id: str, now: datetime) -> Batch:
    """The record of a new batch. An input file that is unknown is no error yet: validation says so (1.5.5)."""
    owner = call.caller.owner
    canonical = parse_file_id(new.input_file_id)
    file = await call.services.files.get(owner, canonical) if canonical else None
    return Batch(
        id=batch_id,
        owner=owner,
        vendor=call.dialect.vendor,
        endpoint=new.endpoint,
        input_file_id=canonical or new.input_file_id,
        input_blob=file.blob if file else "",
        completion_window=new.completion_window,
        created_at=now,
        expires_at=now + timedelta(seconds=new.window_seconds),
        metadata=new.metadata,
        output_expires_after_seconds=new.output_expires_after_seconds,
    )


async def _find(request: Request, call: Call) -> Stored[Batch]:
    given = request.path_params["batch_id"]
    canonical = parse_batch_id(given)
    stored = await call.services.batches.get(call.caller.owner, canonical) if canonical else None
    if stored is None:  # Literal: contract 1.3.
        raise NotFound(f"No batch found with id '{shortened(given)}'.")
    return stored


async def _with_progress(call: Call, batch: Batch) -> Batch:
    """Before validation is through, and after the end, there is nothing to add up."""
    if batch.is_terminal or batch.status is Status.VALIDATING:
        return batch
    return with_progress(batch, await call.services.batches.list_chunks(batch.id))
