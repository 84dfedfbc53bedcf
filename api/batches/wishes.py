"""What a caller wishes of a batch that has not ended (extensions): a pause, that it goes on, other terms.

Rule of this file: only the record is changed. Lanes find it at their next look, within seconds.
"""

from __future__ import annotations

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.batch_records import find_batch, show_batch
from api.edge.endpoint import Call, json_response
from api.edge.json_body import read_fields
from shared.domain.batches.wishes import PauseWished, ResumeWished, Wish, parse_terms
from shared.run.batches.change import change


async def pause_batch(request: Request, call: Call) -> Response:
    """No body is read, as of a cancel."""
    return await _change(request, call, PauseWished())


async def resume_batch(request: Request, call: Call) -> Response:
    """No body is read, as of a cancel."""
    return await _change(request, call, ResumeWished())


async def vary_batch(request: Request, call: Call) -> Response:
    fields = await read_fields(request)
    return await _change(request, call, parse_terms(fields, call.service.settings.windows(), call.caller.max_priority))


async def _change(request: Request, call: Call, wish: Wish) -> Response:
    batch = (await find_batch(request, call)).value
    return json_response(await show_batch(call, await change(call.service, batch, wish)))
