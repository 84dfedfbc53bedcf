"""The copy of an input in which lines that begin alike stand side by side, and the plan that is made from it.

The bytes of a group are staged as they come while the input is read from front to end, so memory is bounded. The same
input and the same groups give the same copy, however often and by however many it is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import Plan, PlannedChunk, grouped_copy
from shared.domain.batches.grouping import Group
from shared.domain.lines.request_line import digest_of
from shared.domain.validation.input_scan import Accepted
from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore
from shared.run.chunks.plan import lines_in, read_all
from shared.run.do_all import do_all
from shared.run.repeated import repeated

MOST_HELD_BYTES: Final = 33_554_432
READ_BYTES: Final = 4_194_304


async def with_copy(blobs: BlobStore, batch: Batch, verdict: Accepted, *, anew: bool = False) -> Accepted:
    """The verdict with the plan of a copy that has been written, where one is wanted; `anew`, if it was before as well.

    Where the input is not there any more, or is another, the verdict stays as it is: the run will find out. Raises
    Unavailable, also in an ExceptionGroup.
    """
    if verdict.groups is None:
        return verdict
    source = verdict.validated.input_blob or batch.input_blob
    name = grouped_copy(batch.id, _mark(source, verdict.groups))
    plan = await _plan_of_copy(blobs, source, name, verdict, anew=anew)
    if plan is None:
        return verdict
    validated = msgspec.structs.replace(verdict.validated, chunks=len(plan.chunks), grouped=True)
    return replace(verdict, plan=plan, validated=validated)


async def _plan_of_copy(blobs: BlobStore, source: str, name: str, verdict: Accepted, *, anew: bool) -> Plan | None:
    """None where the input is not the one that was judged."""
    groups = verdict.groups or ()
    is_there = not anew and await repeated(partial(_is_there, blobs, name, groups))
    copy = _Copy(blobs, name, groups, is_there=is_there)
    try:
        for chunks in _neighbours(verdict.plan.chunks):
            start = chunks[0].start
            data = await repeated(partial(read_all, blobs, source, start, _end(chunks[-1]) - start))
            for chunk in chunks:
                lines = lines_in(chunk, data[chunk.start - start : _end(chunk) - start])
                if not chunk.holds([*lines.values()]):
                    return None
                await copy.add(lines)
    except BlobMissing:
        return None
    return await copy.end()


def _neighbours(chunks: Iterable[PlannedChunk]) -> Iterator[list[PlannedChunk]]:
    """So many as are read at once."""
    some = list[PlannedChunk]()
    for chunk in chunks:
        if some and _end(chunk) - some[0].start > READ_BYTES:
            yield some
            some = []
        some.append(chunk)
    if some:
        yield some


def _end(chunk: PlannedChunk) -> int:
    return chunk.start + chunk.length


def _mark(source: str, groups: Sequence[Group]) -> str:
    return hashlib.sha256(msgspec.json.encode((source, groups))).hexdigest()[:16]


async def _is_there(blobs: BlobStore, name: str, groups: Iterable[Group]) -> bool:
    try:
        return await blobs.size(name) == sum(group.length for group in groups)
    except BlobMissing:
        return False


class _Copy:
    """`add` all lines in input order, then `end`. If it `is_there` already, only the plan is made."""

    def __init__(self, blobs: BlobStore, name: str, groups: Sequence[Group], *, is_there: bool) -> None:
        self._blobs = blobs
        self._name = name
        self._groups = groups
        self._is_there = is_there
        self._group_of = {number: index for index, group in enumerate(groups) for number in group.numbers}
        self._held: dict[int, list[bytes]] = {}
        self._held_bytes = 0
        self._parts = [0] * len(groups)
        self._digests = [0] * len(groups)

    async def add(self, lines: dict[int, bytes]) -> None:
        for number, line in lines.items():
            index = self._group_of[number]
            self._digests[index] = digest_of([line], self._digests[index])
            if not self._is_there:
                self._held.setdefault(index, []).append(line)
                self._held_bytes += len(line) + 1
        if self._held_bytes > MOST_HELD_BYTES:
            await self._stage()

    async def _stage(self) -> None:
        """All that is held: its groups have grown alike, if the file is shuffled."""
        held, self._held, self._held_bytes = self._held, {}, 0
        await do_all(partial(self._stage_part, index, held[index]) for index in held)

    async def _stage_part(self, index: int, lines: list[bytes]) -> None:
        part, self._parts[index] = self._parts[index], self._parts[index] + 1
        block = b"\n".join((*lines, b""))
        await repeated(lambda: self._blobs.stage_block(self._name, _part_id(index, part), block))

    async def end(self) -> Plan:
        if not self._is_there:
            await self._stage()
            parts = [_part_id(index, part) for index, count in enumerate(self._parts) for part in range(count)]
            await repeated(lambda: self._blobs.commit_blocks(self._name, parts))
        return Plan(chunks=tuple(self._planned()), grouped_copy=self._name)

    def _planned(self) -> Iterable[PlannedChunk]:
        start = 0
        for index, group in enumerate(self._groups):
            yield PlannedChunk(
                index=index,
                start=start,
                length=group.length,
                first_line=group.numbers[0],
                lines=len(group.numbers),
                tokens=group.tokens,
                digest=self._digests[index],
                numbers=group.numbers,
            )
            start += group.length


def _part_id(index: int, part: int) -> str:
    return f"{index:06d}-{part:06d}"
