"""The result lines of a batch in input order, for whoever reads them while it runs or afterwards.

Rule of this file: a running batch is read from its journals, up to the first line that has not finished; an ended one
from its two files, which are merged by the custom_ids of its input. Memory is that of one chunk, bounded for all
readers together, and of one line.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from shared.answer_room import ResultMemory
from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import ChunkRow, PlannedChunk, result_blob
from shared.domain.lines.request_line import custom_id_of
from shared.ports.blobs import BlobStore
from shared.run.chunks.journal import Journal, Result
from shared.run.chunks.plan import read_plan
from shared.services import Services


async def running_lines(service: Services, batch: Batch, after: int, *, in_order: bool = True) -> AsyncIterator[Result]:
    """Those past line `after`. Not `in_order`: all that have finished, whichever are missing before them.

    Of a grouped batch, whose lines are worked on in another order, nothing is in order before it has ended.
    Raises BlobMissing if the batch ends meanwhile.
    """
    plan = None if batch.grouped and in_order else await read_plan(service.stores.blobs, batch)
    memory = ResultMemory(0)
    memory.kept = service.capacity.reading
    for chunk, own in _with_own(plan.chunks if plan else ()):
        if own[-1] <= after:
            continue
        journal = await Journal.open(service.stores.blobs, ChunkRow(batch_id=batch.id, index=chunk.index), memory)
        try:
            is_whole = sum(line in own for line in journal.finished) >= chunk.lines
            async for result in _contiguous(journal, own, to_a_gap=in_order and not is_whole):
                if result.line > after:
                    yield result
        finally:
            journal.release()
        if in_order and not is_whole:
            return


def _with_own(chunks: Iterable[PlannedChunk]) -> Iterable[tuple[PlannedChunk, Sequence[int]]]:
    """Each with the numbers of its lines."""
    for chunk, following in pairwise((*chunks, None)):
        if chunk is not None:
            yield chunk, chunk.numbers or range(chunk.first_line, following.first_line if following else sys.maxsize)


async def _contiguous(journal: Journal, own: Sequence[int], *, to_a_gap: bool) -> AsyncIterator[Result]:
    """Of the chunk's `own` lines. A blank line is a gap, until its chunk is whole. Raises BlobMissing."""
    expected = own[0]
    with journal.share() as share:
        async for result in journal.results(share):
            if result.line not in own:
                continue
            if to_a_gap and result.line != expected:
                return
            expected += 1
            yield result
            share.give_back()


async def ended_lines(service: Services, batch: Batch, after: int) -> AsyncIterator[Result]:
    """Those past line `after`. Raises BlobMissing if the input, or a file that the batch has, is gone."""
    blobs, number = service.stores.blobs, 0
    files = [await _File.open(blobs, batch.id, kind) for kind in _kinds(batch)]
    if not files:
        return
    async for number, request in numbered_lines(blobs, batch.input_blob):
        if (file := _file_of(files, custom_id_of(request))) is not None:
            if number > after:
                yield Result(number, file.completed, file.line + b"\n")
            await file.advance()
    for file in files:  # What no line of the input explains: lines that were lost.
        while file.line:
            number += 1
            if number > after:
                yield Result(number, file.completed, file.line + b"\n")
            await file.advance()


def _kinds(batch: Batch) -> list[str]:
    ids = {"output": batch.output_file_id, "error": batch.error_file_id}
    return [kind for kind, file_id in ids.items() if file_id is not None]


class _Head(NamedTuple):
    line: bytes
    custom_id: str


class _File:
    """One of the two files, and its next line; an empty one at its end."""

    def __init__(self, lines: AsyncIterator[tuple[int, bytes]], *, completed: bool) -> None:
        self._lines = lines
        self._head = _Head(b"", "")
        self.completed = completed

    @classmethod
    async def open(cls, blobs: BlobStore, batch_id: str, kind: str) -> _File:
        file = cls(numbered_lines(blobs, result_blob(batch_id, kind)), completed=kind == "output")
        await file.advance()
        return file

    @property
    def line(self) -> bytes:
        return self._head.line

    @property
    def custom_id(self) -> str:
        return self._head.custom_id

    async def advance(self) -> None:
        found = await anext(self._lines, None)
        self._head = _Head(found[1], custom_id_of(found[1])) if found else _Head(b"", "")


def _file_of(files: list[_File], custom_id: str) -> _File | None:
    """The one whose next line answers it; else one whose next line answers nobody knows what."""
    named = (file for file in files if file.line and file.custom_id == custom_id)
    nameless = (file for file in files if file.line and not file.custom_id)
    return next(named, None) or next(nameless, None)


async def numbered_lines(blobs: BlobStore, name: str) -> AsyncIterator[tuple[int, bytes]]:
    """Each line that is not blank, without its line feed, and its 1-based number. Raises BlobMissing."""
    number, begun = 1, list[bytes]()
    async for piece in blobs.read(name):
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = b"".join((*begun, end))
            begun.clear()
            if line.strip():
                yield number, line
            number += 1
        if rest:
            begun.append(rest)
    if (line := b"".join(begun)).strip():
        yield number, line
