"""The journal of one chunk: finished lines, in the order they finished, durable before they are counted.

Entries are appended in groups. A repeated activity opens the journal first and goes on with the lines that are
missing; of two entries for one line, the first counts. Results are kept in memory only up to a budget: past it they
are read back from the journal when the chunk is sealed. An entry may be 100 MB and many journals are read at once: what
is read has taken room, and nothing here keeps a second copy of it while it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Self

import msgspec

from shared.answer_room import ResultMemory, Share
from shared.domain.batches.chunk import ChunkRow, journal_blob
from shared.domain.pace.retry import Attempts
from shared.domain.usage.usage import Usage, total
from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore
from shared.run.chunks.plan import read_all


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One finished line. `result` is its result line as JSON, without the newline."""

    line: int
    completed: bool
    usage: Usage
    model: str | None
    result: msgspec.Raw


class Tried(msgspec.Struct, frozen=True):
    """A line that was let go without an outcome, and the attempts it has used up; the last such entry counts."""

    line: int
    attempts: Attempts


class Result(msgspec.Struct, frozen=True):
    """A request line's result on its way to the output (`completed`) or the error file; newline-terminated."""

    line: int
    completed: bool
    data: bytes


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)
_tried_decoder = msgspec.json.Decoder(Tried)
GROUP_BYTES = 2 * 1024 * 1024
SCAN_BYTES = 8 * 1024 * 1024  # Two pieces of a store, which a reader holds.

_Span = tuple[int, int]  # offset and length of an entry in its journal
_Visit = Callable[[_Span, Entry | Tried], None]


def _decoded(encoded: bytes) -> Entry | Tried | None:
    """Finished lines are arrays, let go ones objects; None if it is neither any more."""
    try:
        return (_tried_decoder if encoded.startswith(b"{") else _decoder).decode(encoded)
    except msgspec.DecodeError:
        return None


def _show(offset: int, pieces: list[bytes], visit: _Visit) -> int:
    """Show the entry that the `pieces` are, and forget them; returns where the next one begins."""
    encoded = b"".join(pieces)
    pieces.clear()
    if (entry := _decoded(encoded)) is not None:
        visit((offset, len(encoded)), entry)
    return offset + len(encoded) + 1


def _result_of(encoded: bytes) -> bytes:
    return b"".join((_decoder.decode(encoded).result, b"\n"))


class Journal:
    """One chunk's finished lines: those the store has, those waiting to be appended, and their sums."""

    def __init__(self, blobs: BlobStore, row: ChunkRow, memory: ResultMemory) -> None:
        self._blobs = blobs
        self._name = journal_blob(row.batch_id, row.index)
        self._memory = memory
        self._kept: dict[int, bytes] = {}
        self._unwritten: list[bytes] = []
        self._writing = asyncio.Lock()
        self._usages: list[Usage] = []
        self._model: str | None = None
        self._row = row
        self.finished: dict[int, bool] = {}
        self.attempts: dict[int, Attempts] = {}

    @classmethod
    async def open(cls, blobs: BlobStore, row: ChunkRow, memory: ResultMemory) -> Self:
        """The journal of the row's chunk, with every entry that earlier activities appended."""
        journal = cls(blobs, ChunkRow(batch_id=row.batch_id, index=row.index, lane=row.lane), memory)
        with journal.share() as share:
            await journal._read(share, lambda _, entry: journal._take(entry))
        return journal

    @property
    def row(self) -> ChunkRow:
        """The chunk's row with everything that has finished so far. Summed here and not line by line."""
        completed = sum(self.finished.values())
        return msgspec.structs.replace(
            self._row,
            completed=completed,
            failed=len(self.finished) - completed,
            usage=total(self._usages),
            model=self._model,
        )

    def usages_from(self, first: int) -> list[Usage]:
        """Of finished lines, in the order they finished, without the `first` so many."""
        return self._usages[first:]

    @property
    def unwritten(self) -> int:
        """Results that a crash would lose: their lines would be sent again."""
        return len(self._unwritten)

    @property
    def unwritten_bytes(self) -> int:
        """What they take in memory."""
        return sum(map(len, self._unwritten))

    def add(self, entry: Entry | Tried) -> int:
        """Count a finished line, or what one has been through; durable after the next `write`. Returns its bytes."""
        if entry.line in self.finished:
            return 0
        encoded = _encoder.encode_lines((entry,))
        self._unwritten.append(encoded)
        self._take(entry)
        return len(encoded)

    def _take(self, entry: Entry | Tried) -> None:
        if entry.line in self.finished:
            return
        if isinstance(entry, Tried):
            self.attempts[entry.line] = entry.attempts
            return
        self.finished[entry.line] = entry.completed
        self._usages.append(entry.usage)
        self._model = self._model or entry.model
        data = memoryview(entry.result)
        if self._memory.kept.fits(data.nbytes):
            self._memory.kept.take(data.nbytes)
            self._kept[entry.line] = bytes(data)

    async def write(self) -> None:
        """Append what is unwritten at this moment. If it raises, nothing is lost: an entry may be appended twice."""
        async with self._writing:
            left = len(self._unwritten)
            while left > 0:
                count, group = self._group()
                await self._blobs.append(self._name, group)
                del self._unwritten[:count]
                left -= count

    def _group(self) -> tuple[int, bytes]:
        """The next entries to append together: up to GROUP_BYTES, or one that is larger, which is not copied."""
        size = 0
        for count, encoded in enumerate(self._unwritten):
            size += len(encoded)
            if size > GROUP_BYTES and count:
                return count, b"".join(self._unwritten[:count])
        return len(self._unwritten), b"".join(self._unwritten)

    def share(self) -> Share:
        """For whoever reads results back; a with-block, at whose end they are given up."""
        return self._memory.read_back.share()

    async def results(self, share: Share) -> AsyncIterator[Result]:
        """Every finished line, in input order. What memory did not hold is read back, and takes `share`."""
        if len(self._kept) < len(self.finished):
            await self.write()
        spans = await self._spans(share) if len(self._kept) < len(self.finished) else {}
        for line in sorted(self.finished):
            if line in self._kept:
                yield Result(line, self.finished[line], self._kept[line] + b"\n")
            elif line in spans:
                yield Result(line, self.finished[line], await self._read_back(spans[line], share))
            else:
                raise BlobMissing(f"The journal {self._name} is gone.")

    async def _read_back(self, span: _Span, share: Share) -> bytes:
        await share.take(span[1])
        return _result_of(await read_all(self._blobs, self._name, *span))

    async def _spans(self, share: Share) -> dict[int, _Span]:
        spans: dict[int, _Span] = {}

        def note(span: _Span, entry: Entry | Tried) -> None:
            if isinstance(entry, Entry) and entry.completed is self.finished.get(entry.line):
                spans.setdefault(entry.line, span)

        await self._read(share, note)
        return spans

    async def _read(self, share: Share, visit: _Visit) -> None:
        """Show every appended entry; what is none any more is as if it was never written."""
        offset, begun = 0, list[bytes]()  # Of an entry that may come in a hundred pieces.
        await share.take(SCAN_BYTES)
        try:
            async for piece in self._blobs.read(self._name):
                *ends, rest = piece.split(b"\n")
                for end in ends:
                    begun.append(end)
                    offset = _show(offset, begun, visit)
                    share.give_back(but=SCAN_BYTES)
                if rest:
                    begun.append(rest)
                    await share.take(len(rest))
        except BlobMissing:
            return
        finally:
            share.give_back()

    def release(self) -> None:
        """Give the memory back; what is still wanted is read from the store."""
        self._memory.kept.give_back(sum(map(len, self._kept.values())))
        self._kept.clear()
