"""Which chunks a lane takes, and in what order."""

from __future__ import annotations

import pytest

from shared.domain.batches.chunk import ChunkRow, PlannedChunk
from shared.domain.batches.lane_work import has_open_chunk, left_by, work_of_lane

SIZES = (5, 9, 5, 7, 9, 1)
PLAN = [
    PlannedChunk(index=index, start=0, length=1, first_line=1, lines=lines, tokens=1)
    for index, lines in enumerate(SIZES)
]


def row(index: int, lane: int, *, sealed: bool = False) -> ChunkRow:
    return ChunkRow(batch_id="b", index=index, lane=lane, seal="sealed00" if sealed else None)


@pytest.mark.parametrize(
    ("lane", "rows", "own", "others"),
    [
        (0, [], [0, 2, 4], [1, 3, 5]),  # its stripe, in order; then what is free of the other
        (1, [], [0, 1, 3, 5], [2, 4]),  # the front of the file first, whosesoever it is
        (0, [row(0, 0), row(1, 1)], [0, 2, 4], [3, 5]),  # what it has begun comes first, another's not at all
        (1, [row(0, 0), row(3, 1)], [3, 1, 5], [2, 4]),
        (0, [row(0, 0, sealed=True), row(2, 2)], [2, 1, 4], [3, 5]),  # of a run with more lanes it inherits
        (1, [row(index, 0) for index in range(6)], [], []),
    ],
)
def test_work_of_a_lane(lane: int, rows: list[ChunkRow], own: list[int], others: list[int]) -> None:
    """Of two lanes and six chunks."""
    work = work_of_lane(PLAN, {one.index: one for one in rows}, lane, 2)

    assert (own, others) == (work.own, work.others)


def test_a_lane_has_open_chunks_until_they_are_sealed() -> None:
    """Those of a lane that there is no longer are its heir's."""
    assert has_open_chunk([row(0, 2)], 0, 2)
    assert not has_open_chunk([row(0, 2)], 1, 2)
    assert not has_open_chunk([row(0, 0, sealed=True)], 0, 2)


def test_what_lanes_left_that_are_gone() -> None:
    """Neither what they finished nor what others have."""
    assert [1, 3] == left_by({1}, [row(0, 0), row(1, 1), row(2, 1, sealed=True), row(3, 3)], 2)
