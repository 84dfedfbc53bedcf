"""Reading the input file once: a plan of chunks and `in_progress`, or `failed` with every problem found.

The plan is written before the record names it, and never written over. Repeating the activity repeats the pass or,
once the record has moved on, only the answer.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import msgspec

from shared.domain.batches.batch import Batch, Refused, Status, Validated
from shared.domain.batches.chunk import plan_blob
from shared.domain.errors import WrongState
from shared.domain.validation.input_scan import Accepted
from shared.run.batches.change import change, load
from shared.run.batches.expectation import priced
from shared.run.batches.run_beat import showing_life
from shared.run.chunks.grouped_copy import with_copy
from shared.run.chunks.plan import write_plan
from shared.run.input.input_pass import scan_input
from shared.services import Services, services

CANCEL_CHECK: Final = timedelta(seconds=2)


async def validate_input(input: dict) -> dict[str, Any]:
    """Input: `{"owner", "batch_id"}`.

    Returns `{"outcome": "accepted", "chunks", "lanes"}`, `{"outcome": "refused"}` (the record is `failed`, or gone) or
    `{"outcome": "cancelled"}`. Raises Unavailable.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch is None:
        return {"outcome": "refused"}
    if batch.status is Status.VALIDATING:
        async with showing_life(service, batch):
            verdict = await scan_input(service, batch, _StillValidating(service, batch), copies=True)
        batch = await _record(service, batch, verdict) if verdict else await _newest(service, batch)
    return _outcome(batch, service.settings.lanes)


class _StillValidating:
    """Whether the batch is; the record is read every `CANCEL_CHECK` only."""

    def __init__(self, service: Services, batch: Batch) -> None:
        self._service = service
        self._batch = batch
        self._check_at = service.now() + CANCEL_CHECK

    async def __call__(self) -> bool:
        if self._service.now() < self._check_at:
            return True
        newest = await _newest(self._service, self._batch)
        self._check_at = self._service.now() + CANCEL_CHECK
        return newest.status is Status.VALIDATING


async def _record(service: Services, batch: Batch, verdict: Accepted | Refused) -> Batch:
    event: Validated | Refused
    blobs, name, copy = service.stores.blobs, None, None
    if isinstance(verdict, Refused):
        event = verdict
    else:
        verdict = await with_copy(blobs, batch, verdict)
        name, copy = await write_plan(blobs, batch.id, verdict.plan), verdict.plan.grouped_copy
        event = msgspec.structs.replace(await priced(service, batch, verdict), plan=name)
    with suppress(WrongState):  # Cancelled, or judged by another call of this activity: the record says which.
        return await change(service, batch, event)
    newest = await _newest(service, batch)
    if name and (newest.plan != name or newest.is_terminal):  # Nobody needs this one, nor what it was made from.
        await blobs.delete(plan_blob(batch.id, name))
        if copy:
            await blobs.delete(copy)
    return newest


async def _newest(service: Services, batch: Batch) -> Batch:
    return await load(service, batch.owner, batch.id) or batch


def _outcome(batch: Batch, lanes: int) -> dict[str, Any]:
    if batch.status is Status.FAILED:
        return {"outcome": "refused"}
    if not batch.chunks:
        return {"outcome": "cancelled"}
    return {"outcome": "accepted", "chunks": batch.chunks, "lanes": min(lanes, batch.chunks)}
