"""The batches routes: create, retrieve, list, cancel (contract 1.5.5 to 1.5.7).

Handlers parse, load, call the domain, store and return. The record is the truth: a run that could not be started is
started later by `reconcile_batches`.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.admission import check_may_begin, look_ahead, token_headers
from api.batches.batch_list import parse_batch_query, search
from api.batches.batch_records import find_batch, new_record, show_batch, try_to_start, with_live_counts
from api.batches.create_call import read_create_call
from api.batches.creation import create_once
from api.batches.early_output import with_early_lines, with_early_output
from api.batches.rendering import render_batches
from api.edge.endpoint import Call, StartRun, json_response
from shared.domain.batches.batch import Batch, CancelRequested
from shared.domain.errors import InvalidRequest, OverLimit
from shared.run.batches.change import change


async def create_batch(request: Request, call: Call, start: StartRun) -> Response:
    asked = await read_create_call(request, call)

    async def build(batch_id: str, now: datetime) -> Batch:
        await check_may_begin(call)
        new = with_early_lines(request, await asked.kept())
        return await look_ahead(call, await new_record(call, new, batch_id, now))

    try:
        batch, is_new = await create_once(request, call, asked.body, build)
    except (InvalidRequest, OverLimit):
        await asked.drop()
        raise
    if not is_new:
        await asked.drop()
    else:
        await try_to_start(start, batch)
    shown = with_early_output(request, call, batch, await show_batch(call, batch))
    response = json_response(shown, call.dialect.created_batch)
    response.headers.update(await token_headers(call, batch))
    return response


async def retrieve_batch(request: Request, call: Call) -> Response:
    stored = await find_batch(request, call)
    return json_response(with_early_output(request, call, stored.value, await show_batch(call, stored.value)))


async def list_batches(request: Request, call: Call) -> Response:
    query = parse_batch_query(request.query_params, call.dialect)
    found = await search(call.service.stores.batches, call.caller.owner, query)
    batches = await asyncio.gather(*(with_live_counts(call, batch) for batch in found.batches))
    now = call.service.now()
    return json_response(render_batches(call.dialect, batches, now, position=found.position))


async def cancel_batch(request: Request, call: Call) -> Response:
    """No body is read: SDKs announce JSON and send none (contract 1.5.7)."""
    stored = await find_batch(request, call)
    batch = await change(call.service, stored.value, CancelRequested())
    return json_response(await show_batch(call, batch))
