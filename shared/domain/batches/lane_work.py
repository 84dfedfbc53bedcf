"""Which chunks a lane works on, and in what order.

Stripes keep lanes from claiming the same chunk; a lane that is through with its own helps the others. The front of the
file goes first, for that is where its results are read while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from shared.domain.batches.chunk import ChunkRow, PlannedChunk


class Work(msgspec.Struct, frozen=True):
    """Indexes of `plan`: first its `own`, in this order, then the `others` that are still free."""

    plan: Mapping[int, PlannedChunk]
    own: Sequence[int]
    others: Sequence[int]


def work_of_lane(chunks: Sequence[PlannedChunk], rows: Mapping[int, ChunkRow], lane: int, lanes: int) -> Work:
    """A lane's own work is what it has claimed before, then the first free chunk, then the others of its stripe.

    The first, whosesoever it is: its lane may not have begun, and may not for minutes. Chunks get smaller towards the
    end of the file, so that all lanes end together (`ChunkPlanner`).
    """
    mine = [chunk.index for chunk in chunks if chunk.index in rows and _is_open(rows[chunk.index], lane, lanes)]
    free = [chunk.index for chunk in chunks if chunk.index not in rows]
    first, stripe = free[:1], [index for index in free[1:] if index % lanes == lane]
    others = [index for index in free[1:] if index % lanes != lane]
    return Work({chunk.index: chunk for chunk in chunks}, mine + first + stripe, others)


def has_open_chunk(rows: Sequence[ChunkRow], lane: int, lanes: int) -> bool:
    """Whether the lane has chunks to finish that it has claimed, or inherits."""
    return any(_is_open(row, lane, lanes) for row in rows)


def left_by(gone: set[int], rows: Sequence[ChunkRow], lanes: int) -> list[int]:
    """Chunks that lanes which are gone have claimed and not finished."""
    return [row.index for row in rows if not row.sealed and row.lane % lanes in gone]


def _is_open(row: ChunkRow, lane: int, lanes: int) -> bool:
    return row.belongs_to(lane, lanes) and not row.sealed
