"""The end of a run: whatever stopped it, its result files become readable, its record final, and whoever asked is told.

Every step may be repeated: seals by compare-and-swap, commits of the same list, records under derived ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from shared.domain.batch import Batch, Finished, RequestsDone, Status
from shared.domain.chunk import (
    ChunkRow,
    Plan,
    PlannedChunk,
    block_id,
    result_blob,
    results_prefix,
)
from shared.domain.file import RESULT_PURPOSE, File
from shared.domain.ids import derived_id
from shared.domain.request_line import read_line
from shared.domain.result_line import NeverRan, line_id, never_ran_line
from shared.domain.usage import Usage
from shared.ports import AlreadyExists, Changed
from shared.run.change import change, load
from shared.run.deliver_results import deliver_results
from shared.run.deliveries import start_deliveries_of
from shared.run.input_bytes import drop_orphaned_input
from shared.run.journal import Journal, Result
from shared.run.orchestrations import Orchestrations
from shared.run.plan import read_lines, read_plan
from shared.run.remains import remove_remains
from shared.run.seal import seal_chunk
from shared.services import Services, services
from shared.telemetry import metrics
from shared.telemetry.attributes import DIRECTION, MODEL, OUTCOME, PURPOSE


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
            batch = await _finish(service, batch)
        except _TooEarly:
            return {"done": False, "status": batch.status}
    await start_deliveries_of(service, client, batch)
    await remove_remains(service, batch)
    await drop_orphaned_input(service, batch)
    if batch.output_folder is not None and batch.output_file_id is None is batch.error_file_id:  # Delivered, or none.
        await service.blobs.delete_prefix(results_prefix(batch.id))
    return {"done": True, "status": batch.status}


async def _finish(service: Services, batch: Batch) -> Batch:
    chunks = (await _plan(service, batch)).chunks
    rows = {row.index: row for row in await service.batches.list_chunks(batch.id) if row.sealed}
    unsealed = [chunk for chunk in chunks if chunk.index not in rows]
    if unsealed:
        reason = _why_lines_never_ran(batch, service.now())
        for chunk in unsealed:
            rows[chunk.index] = await _seal_unfinished(service, batch, chunk, reason)
    if batch.status is Status.IN_PROGRESS and sum(row.finished for row in rows.values()) == batch.total:
        batch = await change(service, batch, RequestsDone())  # Too late only to seal: nothing has expired.
    return await change(service, batch, await _publish(service, batch, [rows[chunk.index] for chunk in chunks]))


async def _plan(service: Services, batch: Batch) -> Plan:
    """A batch that was cancelled before it was accepted owes nothing, even if its plan is there."""
    plan = await read_plan(service.blobs, batch) if batch.chunks else Plan(chunks=())
    if plan is None:  # To go on without it would be to publish empty files.
        raise RuntimeError(f"The plan of batch {batch.id} is gone: another call has just finished the batch.")
    return plan


def _why_lines_never_ran(batch: Batch, now: datetime) -> NeverRan:
    if batch.status is Status.CANCELLING:
        return NeverRan.BATCH_CANCELLED
    deadline = batch.deadline()
    if batch.status is Status.IN_PROGRESS and deadline and now >= deadline:
        return NeverRan.BATCH_EXPIRED
    raise _TooEarly


async def _seal_unfinished(service: Services, batch: Batch, chunk: PlannedChunk, reason: NeverRan) -> ChunkRow:
    """Seal what the journal has, and a line in the error file for every request that never ran."""
    while True:
        stored = await service.batches.get_chunk(batch.id, chunk.index)
        if stored and stored.value.sealed:
            return stored.value
        row = stored.value if stored else ChunkRow(batch_id=batch.id, index=chunk.index, lane=0)
        journal = await Journal.open(service.blobs, row, service.capacity.kept_results)
        try:
            row = await seal_chunk(service.blobs, journal.row, _all_lines(service, batch, chunk, journal, reason))
            await service.batches.put_chunk(row, stored.version if stored else None)
        except Changed:
            continue
        finally:
            journal.release()
        _count_never_ran(batch, chunk.lines - len(journal.finished), reason)
        return row


def _count_never_ran(batch: Batch, lines: int, reason: NeverRan) -> None:
    outcome = "cancelled" if reason is NeverRan.BATCH_CANCELLED else "expired"
    if lines:
        metrics.REQUESTS.record(lines, {OUTCOME: outcome, MODEL: batch.deployment or ""})


async def _all_lines(
    service: Services, batch: Batch, chunk: PlannedChunk, journal: Journal, reason: NeverRan
) -> AsyncIterator[Result]:
    ran = journal.results()
    for number, raw in await read_lines(service.blobs, batch.input_blob, chunk):
        if number in journal.finished:
            yield (await anext(ran))[1]
        else:
            line = never_ran_line(
                batch.vendor,
                request_line_id=line_id(batch.id, number),
                custom_id=read_line(raw).custom_id,
                code=reason,
            )
            yield Result(completed=False, data=line)


async def _publish(service: Services, batch: Batch, rows: list[ChunkRow]) -> Finished:
    sizes = {
        "output": await _commit(service, batch, "output", [(row, row.output_blocks) for row in rows]),
        "error": await _commit(service, batch, "error", [(row, row.error_blocks) for row in rows]),
    }
    written = {kind: size for kind, size in sizes.items() if size is not None}
    undelivered = None
    if batch.output_folder is not None:
        undelivered = await deliver_results(service, batch, batch.output_folder, written)
    is_kept = batch.output_folder is None or undelivered is not None
    files = {kind: await _insert_record(service, batch, kind, size) for kind, size in written.items() if is_kept}
    return Finished(
        completed=sum(row.completed for row in rows),
        failed=sum(row.failed for row in rows),
        usage=sum((row.usage for row in rows), Usage()),
        model=next((row.model for row in rows if row.model), None),
        output_file_id=files.get("output"),
        error_file_id=files.get("error"),
        errors=(undelivered,) if undelivered else (),
    )


async def _commit(service: Services, batch: Batch, kind: str, blocks: list[tuple[ChunkRow, int]]) -> int | None:
    """Make one result blob readable; its size, or None where the vendor has no file for no lines."""
    block_ids = [block_id(row.index, part, row.seal or "") for row, count in blocks for part in range(count)]
    name = result_blob(batch.id, kind)
    if not block_ids and not batch.keeps_empty_files:
        await service.blobs.delete(name)  # What a seal that was cut off has staged.
        return None
    return await service.blobs.commit_blocks(name, block_ids)


async def _insert_record(service: Services, batch: Batch, kind: str, size: int) -> str:
    """The id of the file record of one result blob."""
    record = _file_record(batch, kind, size, service.now(), service.settings.file_expiry_seconds)
    with suppress(AlreadyExists):  # An earlier call of this activity got this far.
        await service.files.insert(record)
        metrics.FILE_BYTES.record(size, {PURPOSE: record.purpose, DIRECTION: "result"})
    return record.id


def _file_record(batch: Batch, kind: str, size: int, now: datetime, default_expiry_seconds: int) -> File:
    ends = (batch.cancelling_at, batch.deadline())  # A cancel after the deadline finds files under the older id.
    stopped_at = batch.finalizing_at or min(end for end in ends if end)
    file_id = derived_id(stopped_at, batch.id, kind)
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
