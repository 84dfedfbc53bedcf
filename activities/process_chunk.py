"""Chunks of one lane: requests to the upstream, results to the journal, sealed blocks, chunk rows.

One call works for a bounded slice of time from the cursor's chunk on and returns where to go on. It may be repeated
at any moment: it reads the journal first and sends only the lines that are missing.
"""

from __future__ import annotations

from typing import Any

from shared.domain.batch import Batch, Status
from shared.domain.chunk import PlannedChunk
from shared.run.change import load
from shared.run.lane import Lane, LaneProgress
from shared.run.plan import read_plan
from shared.services import Services, services

DONE = {"done": True, "chunk": 0, "wait": 0.0}


async def process_chunk(input: dict[str, Any]) -> dict[str, Any]:
    """Input: `{"owner", "batch_id", "lane", "lanes", "chunk"}`.

    Returns `{"done", "chunk", "wait"}`: the chunk to go on with after `wait` seconds, unless the lane is done.
    """
    service = services()
    batch = await load(service, input["owner"], input["batch_id"])
    if batch is None or batch.status is not Status.IN_PROGRESS:
        return DONE
    chunks = await _chunks_of_lane(service, batch, input)
    deployment = service.settings.deployments.get(batch.deployment or "")
    if deployment is None:
        raise RuntimeError(f"Deployment {batch.deployment!r} is gone from BATCH_DEPLOYMENTS while a batch needs it.")
    if not chunks:
        return DONE
    lane = Lane(service, batch, deployment, chunks, lane=input["lane"], lanes=input["lanes"])
    return _cursor(await lane.run())


async def _chunks_of_lane(service: Services, batch: Batch, cursor: dict[str, Any]) -> list[PlannedChunk]:
    """Lanes take chunks in turns, so that all work on the front of the file."""
    plan = await read_plan(service.blobs, batch.id)
    chunks = plan.chunks if plan else ()
    return [
        chunk for chunk in chunks if chunk.index >= cursor["chunk"] and chunk.index % cursor["lanes"] == cursor["lane"]
    ]


def _cursor(progress: LaneProgress) -> dict[str, Any]:
    if progress.next_chunk is None or progress.must_end:
        return DONE
    return {"done": False, "chunk": progress.next_chunk, "wait": round(progress.wait_seconds, 3)}
