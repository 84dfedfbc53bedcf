"""The results of a grouped batch put in input order: the sealed results of its chunks, which are in order, merged.

Rule of this file: the same chunks give the same blocks under the same ids, however often it is done and by however many
at once; whoever changes how blocks are cut gives them another `_MARK`. Memory is a piece of each chunk, and a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from heapq import heapify, heappop, heapreplace
from typing import Final, NamedTuple

from shared.answer_room import Share
from shared.domain.batches.chunk import block_id
from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore
from shared.run.chunks.plan import read_all
from shared.run.chunks.result_stream import BLOCK_BYTES, ResultStream
from shared.run.repeated import repeated

MOST_READ_BYTES: Final = 16_777_216  # Of all chunks together.
_MOST_PIECE_BYTES: Final = 262_144
_DIGITS: Final = 12
_MARK: Final = "merged-1"
_PARTS: Final = 10_000


class Span(NamedTuple):
    """Where one chunk's numbered results stand in their blob."""

    start: int
    length: int


def number_before(line: int) -> bytes:
    """What stands before a result line that waits to be merged."""
    return b"%0*d" % (_DIGITS, line)


def spans_of(lengths: Iterable[int]) -> list[Span]:
    """Of chunks one after another; those without results have none."""
    spans, start = [], 0
    for length in lengths:
        if length:
            spans.append(Span(start, length))
        start += length
    return spans


async def merge(
    blobs: BlobStore, source: str, spans: list[Span], target: str, share: Share, *, most_bytes: int = MOST_READ_BYTES
) -> list[str]:
    """Stage the results as blocks of `target`, in order; returns their ids. Raises BlobMissing.

    `most_bytes` of all chunks are read together.
    """
    piece = min(_MOST_PIECE_BYTES, most_bytes // max(1, len(spans)))
    held = len(spans) * piece + BLOCK_BYTES
    await share.take(held)

    async def stage(name: str, block: bytes) -> None:
        await repeated(partial(blobs.stage_block, target, name, block))

    out = ResultStream(stage, lambda number: block_id(number // _PARTS, number % _PARTS, _MARK))
    runs = [_Run(blobs, source, span, piece) for span in spans]
    heads = [(await run.number(), index) for index, run in enumerate(runs)]
    heapify(heads)
    while heads:
        _, index = heads[0]
        await out.add(await runs[index].line(share))
        share.give_back(but=held)
        if runs[index]:
            heapreplace(heads, (await runs[index].number(), index))
        else:
            heappop(heads)
    await out.end()
    return out.block_ids


class _Run:
    """One chunk's results, read in pieces of `piece` bytes."""

    def __init__(self, blobs: BlobStore, name: str, span: Span, piece: int) -> None:
        self._blobs = blobs
        self._name = name
        self._at, self._left = span
        self._piece = piece
        self._read = b""
        self._begin = 0  # Of the next line in what was read.

    def __bool__(self) -> bool:
        return self._left > 0 or self._begin < len(self._read)

    async def number(self) -> int:
        """Of the next line; there must be one."""
        while len(self._read) - self._begin < _DIGITS:
            self._read = self._read[self._begin :] + await self._next()
            self._begin = 0
        return int(self._read[self._begin : self._begin + _DIGITS])

    async def line(self, share: Share) -> bytes:
        """The next line without its number, which was asked for before. Of a long one, `share` takes what it needs."""
        begin = self._begin + _DIGITS
        end = self._read.find(b"\n", begin) + 1
        if end:
            self._begin = end
            return self._read[begin:end]
        pieces = [self._read[begin:]]
        while not end:
            await share.take(self._piece)
            self._read = await self._next()
            end = self._begin = self._read.find(b"\n") + 1
            pieces.append(self._read[:end] if end else self._read)
        return b"".join(pieces)

    async def _next(self) -> bytes:
        data = await repeated(partial(read_all, self._blobs, self._name, self._at, min(self._piece, self._left)))
        if not data:
            raise BlobMissing(f"{self._name} is shorter than its chunks.")
        self._at += len(data)
        self._left -= len(data)
        return data
