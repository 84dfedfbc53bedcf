"""The result lines of a chunk that nobody works on any more: those it has, and why every other line never ran.

Rule of this file: each of the chunk's lines gets one result line, also those whose bytes are gone or damaged; the
custom_id of such a line is null, because nobody knows it. If a chunk now holds more lines than planned, only as
many as were planned count, from the first on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Iterator, Mapping
from itertools import count, islice

from shared.answer_room import Share
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import PlannedChunk
from shared.domain.lines.request_line import custom_id_of
from shared.domain.lines.result_line import NeverRan, line_id, never_ran_line
from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore
from shared.run.chunks.journal import Journal, Result
from shared.run.chunks.plan import read_lines


async def lines_there(blobs: BlobStore, source: str, chunk: PlannedChunk) -> dict[int, bytes]:
    """The chunk's lines by number, as far as there are any."""
    try:
        return await read_lines(blobs, source, chunk)
    except BlobMissing:
        return {}


async def all_lines(
    batch: Batch, chunk: PlannedChunk, lines: Mapping[int, bytes], journal: Journal, reason: NeverRan, *, share: Share
) -> AsyncIterator[Result]:
    """In input order. `lines` are those of the chunk that are there."""
    custom_ids = _never_ran(chunk, lines, journal.finished)
    ran = journal.results(share)
    for number in sorted({*journal.finished, *custom_ids}):
        if number in journal.finished:
            yield await anext(ran)
        else:
            line = never_ran_line(
                batch.vendor,
                request_line_id=line_id(batch.id, number),
                custom_id=custom_ids[number],
                code=reason,
            )
            yield Result(number, completed=False, data=line)


def _never_ran(chunk: PlannedChunk, lines: Mapping[int, bytes], finished: Mapping[int, bool]) -> dict[int, str | None]:
    """The custom_id by line number. Lines that are not there take the first numbers of the chunk that are free."""
    most = max(0, chunk.lines - len(finished))
    left = islice((number for number in lines if number not in finished), most)
    found = {number: custom_id_of(lines[number]) or None for number in left}
    return found | dict.fromkeys(islice(_free(chunk, {*finished, *found}), most - len(found)))


def _free(chunk: PlannedChunk, taken: Container[int]) -> Iterator[int]:
    numbers = count(chunk.first_line) if chunk.numbers is None else chunk.numbers
    return (number for number in numbers if number not in taken)
