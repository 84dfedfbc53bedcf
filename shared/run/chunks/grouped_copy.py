"""The copy of an input in which lines that begin alike stand side by side, and the plan that is made from it.

What lines of a group share is written once (`alike_lines`). They are staged as they come while the input is read from
front to end, so memory is bounded. The same input and the same groups give the same copy, however often and by however
many it is written.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import Plan, PlannedChunk, grouped_copy
from shared.domain.batches.grouping import Group
from shared.domain.lines.alike_lines import AlikeLines
from shared.domain.lines.request_line import digest_of
from shared.domain.validation.input_scan import Accepted
from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore
from shared.run.chunks.plan import lines_in, read_all
from shared.run.do_all import do_all
from shared.run.repeated import repeated

MOST_HELD_BYTES: Final = 33_554_432
READ_BYTES: Final = 4_194_304
BLOCK_BYTES: Final = 4_194_304


async def with_copy(
    blobs: BlobStore, batch: Batch, verdict: Accepted, *, most_held_bytes: int = MOST_HELD_BYTES
) -> Accepted:
    """The verdict with the plan of a copy that has been written, where one is wanted; `most_held_bytes` wait for it.

    Where the input is not there any more, or is another, the verdict stays as it is: the run will find out. Raises
    Unavailable, also in an ExceptionGroup.
    """
    if verdict.groups is None:
        return verdict
    source = verdict.validated.input_blob or batch.input_blob
    name = grouped_copy(batch.id, _mark(source, verdict.groups))
    plan = await _plan_of_copy(blobs, source, _Copy(blobs, name, verdict.groups, most_held_bytes), verdict.plan)
    if plan is None:
        return verdict
    validated = msgspec.structs.replace(verdict.validated, chunks=len(plan.chunks), grouped=True)
    return replace(verdict, plan=plan, validated=validated)


async def _plan_of_copy(blobs: BlobStore, source: str, copy: _Copy, plan: Plan) -> Plan | None:
    """None where the input is not the one that was judged."""
    try:
        for chunks in _neighbours(plan.chunks):
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


class _Copy:
    """`add` all lines in input order, then `end`."""

    def __init__(self, blobs: BlobStore, name: str, groups: Sequence[Group], most_held_bytes: int) -> None:
        self._blobs = blobs
        self._name = name
        self._groups = groups
        self._most_held_bytes = most_held_bytes
        self._place = {number: (index, like) for index, group in enumerate(groups) for number, like in _lines_of(group)}
        self._held = defaultdict[int, AlikeLines](AlikeLines)  # By group.
        self._held_bytes = 0
        self._parts = [0] * len(groups)
        self._lengths = [0] * len(groups)
        self._digests = [0] * len(groups)

    async def add(self, lines: dict[int, bytes]) -> None:
        for number, line in lines.items():
            index, like = self._place[number]
            self._held_bytes += self._held[index].add(line, like)
        if self._held_bytes > self._most_held_bytes:
            await self._stage()

    async def _stage(self, together: int = 1) -> None:
        """All that is held, so many groups `together` as a block: they have grown alike, if the file is shuffled."""
        held, self._held, self._held_bytes = sorted(self._held.items()), defaultdict(AlikeLines), 0
        await do_all(partial(self._stage_block, held[at : at + together]) for at in range(0, len(held), together))

    async def _stage_block(self, held: list[tuple[int, AlikeLines]]) -> None:
        block_id = _block_id(held[0][0], self._parts[held[0][0]])
        self._parts[held[0][0]] += 1
        pieces = [(index, lines.data()) for index, lines in held]
        for index, data in pieces:
            self._lengths[index] += len(data)
            self._digests[index] = digest_of([data], self._digests[index])
        block = b"".join(data for _, data in pieces)
        await repeated(lambda: self._blobs.stage_block(self._name, block_id, block))

    async def end(self) -> Plan:
        is_first = not any(self._parts)
        await self._stage(1 + BLOCK_BYTES * len(self._held) // max(1, self._held_bytes) if is_first else 1)
        blocks = [_block_id(index, part) for index, count in enumerate(self._parts) for part in range(count)]
        await repeated(lambda: self._blobs.commit_blocks(self._name, blocks))
        return Plan(chunks=tuple(self._planned()), grouped_copy=self._name)

    def _planned(self) -> Iterable[PlannedChunk]:
        start = 0
        for index, group in enumerate(self._groups):
            yield PlannedChunk(
                index=index,
                start=start,
                length=self._lengths[index],
                first_line=group.numbers[0],
                lines=len(group.numbers),
                tokens=group.tokens,
                numbers=group.numbers,
                stored=self._digests[index],
            )
            start += self._lengths[index]


def _lines_of(group: Group) -> Iterator[tuple[int, int]]:
    return zip(group.numbers, group.like, strict=True)


def _block_id(index: int, part: int) -> str:
    return f"{index:06d}-{part:06d}"
