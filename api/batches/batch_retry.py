"""Retrying an ended batch: a new batch of only those of its requests that failed or never ran (an extension).

Nothing is kept of it but `retry_of` in the new record: two deliberate calls make two batches.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.admission import check_may_begin
from api.batches.batch_records import find_batch, show_batch, try_to_start
from api.batches.creation import create_once
from api.batches.retry_input import RetryInput
from api.edge.endpoint import Call, StartRun, json_response
from api.edge.json_body import fields_of, read_body
from shared.domain.batches.batch import Batch
from shared.domain.batches.retry_codes import parse_codes
from shared.domain.keys.priority import lower

DAY_SECONDS = 86_400  # Of a window that is not served: validation says so.


async def retry_batch(request: Request, call: Call, start: StartRun) -> Response:
    """Of all that failed, or of the `codes` in the body. The new batch has the first one's endpoint, window, metadata,
    callback and expiry of results.

    Its priority, too, as far as the caller's key allows.
    """
    first = (await find_batch(request, call)).value
    body = await read_body(request)
    source = await RetryInput.of(call.service, first, parse_codes(fields_of(body)))
    seconds = call.service.settings.windows().get(first.completion_window, DAY_SECONDS)

    async def build(batch_id: str, now: datetime) -> Batch:
        await check_may_begin(call)
        reference = await source.reference(batch_id, now)
        return Batch(
            id=batch_id,
            owner=first.owner,
            vendor=first.vendor,
            endpoint=first.endpoint,
            input_file_id=reference.file_id,
            input_blob=reference.blob,
            input_url=reference.url,
            output_folder=first.output_folder,
            completion_window=first.completion_window,
            created_at=now,
            expires_at=now + timedelta(seconds=seconds),
            metadata=first.metadata,
            output_expires_after_seconds=first.output_expires_after_seconds,
            retry_of=first.id,
            key_id=call.caller.key_id,
            priority=lower(first.priority, call.caller.max_priority),
            leaders_first=first.leaders_first,
            key_models=call.caller.models,
            callback=first.callback,
        )

    retry, is_new = await create_once(request, call, body, build)
    if is_new:
        await try_to_start(start, retry)
    return json_response(await show_batch(call, retry), call.dialect.created_batch)
