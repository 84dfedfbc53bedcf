"""The end of a run: whatever stopped it, its result files become readable, its record final, and whoever asked is told.

Every step may be repeated: seals by compare-and-swap, commits of the same list, records under derived ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.batches.batch import Batch, Finished, RequestsDone, Status
from shared.domain.batches.chunk import ChunkRow, Plan, PlannedChunk, no_chunk, result_blob, results_prefix
from shared.domain.batches.failures import merged
from shared.domain.files.file import RESULT_PURPOSE, File
from shared.domain.ids import derived_id
from shared.domain.lines.result_line import NeverRan
from shared.domain.usage.usage import total
from shared.domain.validation.validation_errors import lost_requests
from shared.ports.base import AlreadyExists, BlobMissing, Changed
from shared.run.batches.change import change, load
from shared.run.batches.deliver_results import deliver_results
from shared.run.batches.orchestrations import Orchestrations
from shared.run.batches.remains import remove_remains
from shared.run.batches.run_beat import showing_life
from shared.run.chunks.damage import are_lost, plan_of
from shared.run.chunks.journal import Journal
from shared.run.chunks.never_ran import all_lines, lines_there
from shared.run.chunks.plan import lines_blob
from shared.run.chunks.publish import commit_results
from shared.run.chunks.seal import seal_chunk
from shared.run.input.input_bytes import drop_orphaned_input
from shared.run.usage.ledger import write_usage
from shared.run.webhooks.deliveries import start_deliveries_of
from shared.services import Services, services
from shared.telemetry import metrics
from shared.telemetry.attributes import DIRECTION, MODEL, OUTCOME, PURPOSE

_OUTCOMES = {
    NeverRan.BATCH_CANCELLED: "cancelled",
    NeverRan.SPEND_LIMIT_EXCEEDED: "cancelled",
    NeverRan.BATCH_EXPIRED: "expired",
    NeverRan.INTERNAL_ERROR: "failed",
}


class _TooEarly(Exception):
    """Lines are left, and nothing says that they need not run any more."""


async def finish_batch(input: dict, client: Orchestrations) -> dict[str, Any]:
    """Input: `{"owner", "batch_id"}`. Returns `{"done", "status"}`; not done: lines are left that still have to run."""
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch is None:
        return {"done": True, "status": None}
    if not batch.is_terminal:
        try:
            async with showing_life(service, batch):
                batch = await _finish(service, batch)
        except _TooEarly:
            return {"done": False, "status": batch.status}
        except BlobMissing:
            batch = await load(service, batch.owner, batch.id) or batch
            if not batch.is_terminal:
                raise
            # Another call has just finished the batch, and removed what this one was merging.
    await start_deliveries_of(service, client, batch)
    await remove_remains(service, batch)
    await drop_orphaned_input(service, batch)
    if batch.output_folder is not None and batch.output_file_id is None is batch.error_file_id:  # Delivered, or none.
        await service.stores.blobs.delete_prefix(results_prefix(batch.id))
    return {"done": True, "status": batch.status}


async def _finish(service: Services, batch: Batch) -> Batch:
    rows = {row.index: row for row in await service.stores.chunks.list(batch.id)}
    plan = await plan_of(service, batch) if batch.chunks else Plan(chunks=())  # Cancelled before: it owes nothing.
    if plan is None:
        newest = await load(service, batch.owner, batch.id)
        if newest is None or newest.is_terminal:  # Another call has just finished the batch, and removed its plan.
            return newest or batch
        return await _finish_without_plan(service, batch, rows)
    unsealed = [chunk for chunk in plan.chunks if chunk.index not in rows or not rows[chunk.index].sealed]
    if unsealed:
        reason, source = await _why_lines_never_ran(service, batch, plan, unsealed), lines_blob(batch, plan)
        for chunk in unsealed:
            rows[chunk.index] = await _seal_unfinished(service, batch, source, chunk, reason)
    if batch.status is Status.IN_PROGRESS and sum(row.finished for row in rows.values()) == batch.total:
        batch = await change(service, batch, RequestsDone())  # Too late only to seal: nothing has expired.
    return await change(service, batch, await _publish(service, batch, [rows[chunk.index] for chunk in plan.chunks]))


async def _finish_without_plan(service: Services, batch: Batch, rows: dict[int, ChunkRow]) -> Batch:
    """Nobody can tell any more which lines never ran: what did is delivered, and the batch says what it lacks."""
    reason, source = NeverRan.INTERNAL_ERROR, batch.input_blob
    kept = [await _seal_unfinished(service, batch, source, no_chunk(index), reason) for index in sorted(rows)]
    missing = batch.total - sum(row.finished for row in kept)
    if batch.status is Status.IN_PROGRESS:
        batch = await change(service, batch, RequestsDone())
    finished = await _publish(service, batch, kept)
    failed, errors = finished.failed + missing, (*finished.errors, lost_requests(missing))
    return await change(service, batch, msgspec.structs.replace(finished, failed=failed, errors=errors))


async def _why_lines_never_ran(
    service: Services, batch: Batch, plan: Plan, unsealed: Sequence[PlannedChunk]
) -> NeverRan:
    if batch.status is Status.CANCELLING:
        return NeverRan.SPEND_LIMIT_EXCEEDED if batch.is_stopped else NeverRan.BATCH_CANCELLED
    deadline = batch.deadline()
    if batch.status is Status.IN_PROGRESS and deadline and service.now() >= deadline:
        return NeverRan.BATCH_EXPIRED
    if await are_lost(service, batch, plan, unsealed):
        return NeverRan.INTERNAL_ERROR
    raise _TooEarly


async def _seal_unfinished(
    service: Services, batch: Batch, source: str, chunk: PlannedChunk, reason: NeverRan
) -> ChunkRow:
    """Seal what the journal has, and a line in the error file for every request that never ran.

    `source` has the request lines.
    """
    blobs, rows = service.stores.blobs, service.stores.chunks
    while True:
        stored = await rows.get(batch.id, chunk.index)
        if stored and stored.value.sealed:
            return stored.value
        row = stored.value if stored else ChunkRow(batch_id=batch.id, index=chunk.index, lane=0)
        journal = await Journal.open(blobs, row, service.capacity.results)
        never_ran = max(0, chunk.lines - len(journal.finished))
        try:
            with journal.share() as share:
                lines = await lines_there(blobs, source, chunk)
                results = all_lines(batch, chunk, lines, journal, reason, share=share)
                row = await seal_chunk(blobs, journal.row, results, share, at=service.now(), grouped=batch.grouped)
            if reason is NeverRan.INTERNAL_ERROR:  # An outcome like others; requests that were stopped have none.
                row = msgspec.structs.replace(row, failed=row.failed + never_ran)
            await rows.put(row, stored.version if stored else None)
        except Changed:
            continue
        finally:
            journal.release()
        _count_never_ran(batch, never_ran, reason)
        return row


def _count_never_ran(batch: Batch, lines: int, reason: NeverRan) -> None:
    if lines:
        metrics.REQUESTS.record(lines, {OUTCOME: _OUTCOMES[reason], MODEL: batch.deployment or ""})


async def _publish(service: Services, batch: Batch, rows: list[ChunkRow]) -> Finished:
    sizes = {kind: await commit_results(service, batch, kind, rows) for kind in ("output", "error")}
    written = {kind: size for kind, size in sizes.items() if size is not None}
    undelivered = None
    if batch.output_folder is not None:
        undelivered = await deliver_results(service, batch, batch.output_folder, written)
    is_kept = batch.output_folder is None or undelivered is not None
    files = {kind: await _insert_record(service, batch, kind, size) for kind, size in written.items() if is_kept}
    return Finished(
        completed=sum(row.completed for row in rows),
        failed=sum(row.failed for row in rows),
        usage=total([row.usage for row in rows]),
        model=next((row.model for row in rows if row.model), None),
        output_file_id=files.get("output"),
        error_file_id=files.get("error"),
        errors=(undelivered,) if undelivered else (),
        failures=merged(row.failures for row in rows),
        usage_owed=not await write_usage(service, batch, rows, ended=True),
    )


async def _insert_record(service: Services, batch: Batch, kind: str, size: int) -> str:
    """The id of the file record of one result blob."""
    record = _file_record(batch, kind, size, service.now(), service.settings.file_expiry_seconds)
    with suppress(AlreadyExists):  # An earlier call of this activity got this far.
        await service.stores.files.insert(record)
        metrics.FILE_BYTES.record(size, {PURPOSE: record.purpose, DIRECTION: "result"})
    return record.id


def _file_record(batch: Batch, kind: str, size: int, now: datetime, default_expiry_seconds: int) -> File:
    file_id = derived_id(batch.stopped_at, batch.id, kind)
    return File(
        id=file_id,
        owner=batch.owner,
        filename=f"batch_{batch.id}_{kind}.jsonl",
        purpose=RESULT_PURPOSE,
        bytes=size,
        created_at=now,
        expires_at=batch.result_expiry(now, default_expiry_seconds),
        blob=result_blob(batch.id, kind),
    )
