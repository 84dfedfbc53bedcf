"""Journals with entries of many megabytes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import msgspec

from shared.answer_room import ResultMemory
from shared.domain.batches.chunk import ChunkRow
from shared.domain.usage.usage import Usage
from shared.run.chunks.journal import Entry, Journal


class InSmallPieces:
    """A store that hands out what was appended in pieces of four kilobytes."""

    data = b""

    async def append(self, _: str, data: bytes) -> None:
        self.data += data

    async def read(self, _: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        end = len(self.data) if length is None else start + length
        for at in range(start, end, 4096):
            yield self.data[at : min(at + 4096, end)]


async def test_time_is_linear_in_the_size_of_an_entry() -> None:
    """Two entries of 16 MB in 8,192 pieces are read in the time that they take, and whole."""
    blobs, row = InSmallPieces(), ChunkRow(batch_id="b", index=0)
    written = Journal(blobs, row, ResultMemory(0))  # type: ignore[arg-type]
    for line in (1, 2):
        written.add(Entry(line, True, Usage(), None, msgspec.Raw(b'"%b"' % (b"%d" % line * 16_000_000))))
    await written.write()
    began = time.process_time()
    journal = await Journal.open(blobs, row, ResultMemory(0))  # type: ignore[arg-type]
    with journal.share() as share:
        results = [result.data async for result in journal.results(share)]
    took = time.process_time() - began

    assert [(len(data), data[1:2]) for data in results] == [(16_000_003, b"1"), (16_000_003, b"2")]
    assert took < 20.0  # Quadratic, it took over 120 s.
