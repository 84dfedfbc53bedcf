"""The chunk plan of a batch as a blob, and the lines of one chunk read back from the input file."""

from __future__ import annotations

import hashlib

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import Plan, PlannedChunk, plan_blob
from shared.domain.lines.alike_lines import whole_lines
from shared.domain.lines.request_line import digest_of, request_lines
from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore


async def read_all(blobs: BlobStore, name: str, start: int = 0, length: int | None = None) -> bytes:
    """The whole range in memory: for plans and chunks, whose size is bounded. Raises BlobMissing."""
    return b"".join([piece async for piece in blobs.read(name, start, length)])


async def write_plan(blobs: BlobStore, batch_id: str, plan: Plan) -> str:
    """Returns its name, which follows from what is in it: no plan is ever written over by another one."""
    data = msgspec.json.encode(plan)
    name = _name_of(data)
    await blobs.put(plan_blob(batch_id, name), data)
    return name


def _name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


async def read_plan(blobs: BlobStore, batch: Batch) -> Plan | None:
    """The plan that the record names; None if the batch was never validated, or what is there is not that plan."""
    try:
        data = await read_all(blobs, plan_blob(batch.id, batch.plan))
        return msgspec.json.decode(data, type=Plan) if batch.plan in (None, _name_of(data)) else None
    except (BlobMissing, msgspec.DecodeError):
        return None


def lines_blob(batch: Batch, plan: Plan | None) -> str:
    """Where the lines of the plan's chunks stand."""
    return plan.grouped_copy if plan is not None and plan.grouped_copy else batch.input_blob


async def read_lines(blobs: BlobStore, name: str, chunk: PlannedChunk) -> dict[int, bytes]:
    """The chunk's request lines by their 1-based numbers in the input, without line ends and blank lines.

    `name` is that of the `lines_blob`. Whether they are those that were planned, `chunk.holds` tells.
    """
    return lines_in(chunk, await read_all(blobs, name, chunk.start, chunk.length))


def lines_in(chunk: PlannedChunk, data: bytes) -> dict[int, bytes]:
    """The same from the chunk's bytes; none where these are of a copy and damaged."""
    if chunk.numbers is None:
        return {chunk.first_line + before: line for before, line in request_lines(data)}
    if chunk.stored not in (None, digest_of([data])):
        return {}
    return dict(
        zip(chunk.numbers, whole_lines(data), strict=False)
    )  # Where there are more or fewer, they are not those planned.
