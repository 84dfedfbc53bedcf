"""Reading the input file once: a plan of chunks and `in_progress`, or `failed` with every problem found.

The plan is written before the record says that there is one. Repeating the activity repeats the pass or, once the
record has moved on, only the answer.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import msgspec

from shared.domain.batch import Batch, BatchError, Refused, Status, Vendor
from shared.domain.chunk import plan_blob
from shared.domain.errors import WrongState
from shared.domain.input_scan import Accepted, InputScan, ScanRules
from shared.domain.tokens import EstimatedTokens
from shared.domain.validation_errors import file_not_found
from shared.ports import BlobMissing
from shared.run.change import change, load
from shared.services import Services, services

CANCEL_CHECK: Final = timedelta(seconds=2)

log = logging.getLogger(__name__)


async def validate_input(input: dict[str, Any]) -> dict[str, Any]:
    """Input: `{"owner", "batch_id"}`.

    Returns `{"outcome": "accepted", "chunks", "lanes"}`, `{"outcome": "refused"}` (the record is `failed`, or gone) or
    `{"outcome": "cancelled"}`. Raises Unavailable.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch is None:
        return {"outcome": "refused"}
    if batch.status is Status.VALIDATING:
        verdict = await _read(service, batch)
        batch = await _record(service, batch, verdict) if verdict else await _newest(service, batch)
    return _outcome(batch, service.settings.lanes)


async def _read(service: Services, batch: Batch) -> Accepted | Refused | None:
    """The verdict on the input file; None if the batch left `validating` in the meantime."""
    file = await service.files.get(batch.owner, batch.input_file_id)
    if file is None or file.is_expired(service.now()) or file.purpose != "batch" or not batch.input_blob:
        return _refused(file_not_found(batch))
    scan = InputScan(_rules(service, batch))
    check_at = service.now() + CANCEL_CHECK
    try:
        async for block in service.blobs.read(batch.input_blob):
            await asyncio.to_thread(scan.feed, block)  # a large block takes long: the event loop stays free
            if scan.is_over:
                break
            if service.now() >= check_at:
                if (await _newest(service, batch)).status is not Status.VALIDATING:
                    return None
                check_at = service.now() + CANCEL_CHECK
    except BlobMissing:
        return _refused(file_not_found(batch))
    return await asyncio.to_thread(scan.finish)


def _rules(service: Services, batch: Batch) -> ScanRules:
    settings = service.settings
    is_azure = batch.vendor is Vendor.AZURE
    return ScanRules(
        vendor=batch.vendor,
        endpoint=batch.endpoint,
        deployments=settings.deployments,
        counter=EstimatedTokens(),
        max_bytes=settings.max_file_bytes,
        max_line_bytes=settings.max_line_bytes,
        max_requests=settings.max_requests_azure if is_azure else settings.max_requests_openai,
        max_reported_errors=settings.max_reported_errors,
        chunk_lines=settings.chunk_lines,
        chunk_bytes=settings.chunk_bytes,
    )


def _refused(error: BatchError) -> Refused:
    return Refused(errors=(error,))


async def _record(service: Services, batch: Batch, verdict: Accepted | Refused) -> Batch:
    if isinstance(verdict, Accepted):
        await service.blobs.put(plan_blob(batch.id), msgspec.json.encode(verdict.plan))
    event = verdict.validated if isinstance(verdict, Accepted) else verdict
    with suppress(WrongState):  # Cancelled, or judged by another call of this activity: the record says which.
        return await change(service, batch, event)
    newest = await _newest(service, batch)
    if not newest.chunks:  # Cancelled before it was accepted: no line of this batch is owed a result.
        await service.blobs.delete(plan_blob(batch.id))
    return newest


async def _newest(service: Services, batch: Batch) -> Batch:
    return await load(service, batch.owner, batch.id) or batch


def _outcome(batch: Batch, lanes: int) -> dict[str, Any]:
    if batch.status is Status.FAILED:
        return {"outcome": "refused"}
    if not batch.chunks:
        return {"outcome": "cancelled"}
    return {"outcome": "accepted", "chunks": batch.chunks, "lanes": min(lanes, batch.chunks)}
