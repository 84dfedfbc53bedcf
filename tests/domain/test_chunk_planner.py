"""How a file is cut: in the order that lanes take, and so that they end together."""

from __future__ import annotations

import pytest

from shared.domain.batches.chunk_planner import SMALL_CHUNK_LINES, ChunkPlanner

BYTES = 100
MOST = 200


def cut(lines: int, size: int | None = None) -> list[int]:
    """The chunks of a file whose lines are equally long, as lines; it is taken to have `size` bytes."""
    planner = ChunkPlanner(MOST, 1 << 30, lines * BYTES if size is None else size)
    for line in range(lines):
        start, end = line * BYTES, (line + 1) * BYTES
        if planner.is_full(end):
            planner.close(0)
        planner.add(b"x", start=start, end=end, line=line + 1)
    planner.close(0)
    return [chunk.lines for chunk in planner.plan().chunks]


@pytest.mark.parametrize("lines", [1, 20, 21, 320, 1_000, 3_200, 50_000])
def test_chunks_get_smaller_towards_the_end(lines: int) -> None:
    """None has more than a sixteenth of what is left, unless that is very little."""
    chunks, left = cut(lines), lines
    assert sum(chunks) == lines
    assert chunks == sorted(chunks, reverse=True)
    for chunk in chunks:
        assert chunk <= max(SMALL_CHUNK_LINES, left // 16)
        left -= chunk


def test_a_large_file_begins_with_the_largest() -> None:
    """So there are hardly more chunks than there must be."""
    chunks = cut(50_000)
    assert chunks[:200] == [MOST] * 200
    assert len(chunks) < 300


@pytest.mark.parametrize("size", [0, 500 * BYTES, 5_000 * BYTES])
def test_a_wrong_size_costs_only_evenness(size: int) -> None:
    """Every line is in a chunk, and none is too large."""
    chunks = cut(1_000, size)
    assert sum(chunks) == 1_000
    assert max(chunks) <= MOST
