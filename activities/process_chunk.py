"""Chunks of one lane: requests to the upstream, results to the journal, sealed blocks, chunk rows.

One call works for a bounded slice of time. It may be repeated at any moment: it reads the chunk rows and the journals
first and sends only the lines that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.batch import Status
from shared.domain.chunk import ChunkRow, PlannedChunk
from shared.run.change import load
from shared.run.holder import holding
from shared.run.lane import Lane
from shared.run.plan import read_plan
from shared.run.remains import remove_remains
from shared.services import services

DONE = {"done": True, "wait": 0.0, "waited": 0.0}


async def process_chunk(input: dict[str, Any]) -> dict[str, Any]:
    """Input: `{"owner", "batch_id", "lane", "lanes", "waited"}`.

    Returns `{"done", "wait", "waited"}`: unless the lane is done, call again after `wait` seconds, with this `waited`.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch is None or batch.status is not Status.IN_PROGRESS:
        return DONE
    deployment = service.settings.deployments.get(batch.deployment or "")
    if deployment is None:
        if (deadline := batch.deadline()) and service.now() >= deadline:
            return DONE  # Nothing can run any more: finish_batch expires what is left.
        raise RuntimeError(f"Deployment {batch.deployment!r} is gone from BATCH_DEPLOYMENTS while a batch needs it.")
    plan = await read_plan(service.blobs, batch)
    rows = {row.index: row for row in await service.batches.list_chunks(batch.id)}
    own, others = work_of_lane(plan.chunks if plan else (), rows, input["lane"], input["lanes"])
    if not own and not others:
        return DONE
    with holding() as holder:
        progress = await Lane(
            service,
            batch,
            deployment,
            own,
            others,
            lane=input["lane"],
            lanes=input["lanes"],
            holder=holder,
            waited_seconds=input.get("waited", 0.0),
        ).run()
    newest = await load(service, batch.owner, batch.id)
    if newest is None or newest.is_terminal:  # This call was one too many; nobody tidies up after it.
        await remove_remains(service, batch)
        return DONE
    return {
        "done": progress.done,
        "wait": 0.0 if progress.done else round(progress.wait_seconds, 3),
        "waited": progress.waited_seconds,
    }


def work_of_lane(
    chunks: Sequence[PlannedChunk], rows: Mapping[int, ChunkRow], lane: int, lanes: int
) -> tuple[list[PlannedChunk], list[PlannedChunk]]:
    """A lane's own work (what it has claimed before, then the free chunks of its stripe), and what else is free.

    Stripes keep lanes from claiming the same chunk; a lane that is through with its own helps the others. The largest
    chunks come first, so that all lanes end together.
    """
    mine = [chunk for chunk in chunks if chunk.index in rows and _is_open(rows[chunk.index], lane, lanes)]
    free = sorted((chunk for chunk in chunks if chunk.index not in rows), key=lambda chunk: -chunk.lines)
    stripe = [chunk for chunk in free if chunk.index % lanes == lane]
    return mine + stripe, [chunk for chunk in free if chunk.index % lanes != lane]


def _is_open(row: ChunkRow, lane: int, lanes: int) -> bool:
    return row.belongs_to(lane, lanes) and not row.sealed
