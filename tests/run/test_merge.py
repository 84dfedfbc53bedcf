"""Sealed results of chunks merged into input order: whatever their sizes, in bounded memory, the same every time."""

from __future__ import annotations

import random

import pytest

from shared.answer_room import AnswerRoom
from shared.ports.base import BlobMissing
from shared.run.chunks.merge import merge, number_before, spans_of
from shared.run.chunks.plan import read_all
from shared.run.chunks.result_stream import BLOCK_BYTES
from tests.run.conftest import World

ROOM = 64 * 1024 * 1024


def chunks_of(sizes: list[int], chunks: int) -> list[list[int]]:
    """Line numbers from 1, dealt out; one chunk has none."""
    dice, found = random.Random(1), [list[int]() for _ in range(chunks)]
    for number in range(1, len(sizes) + 1):
        found[dice.randrange(1, chunks)].append(number)
    return found


def line(number: int, size: int) -> bytes:
    return (b"%d:" % number).ljust(size, b"x") + b"\n"


async def merged(
    world: World, sizes: list[int], chunks: int, room: AnswerRoom, **limits: int
) -> tuple[bytes, list[str]]:
    blobs, data, lengths = world.service.stores.blobs, list[bytes](), list[int]()
    for numbers in chunks_of(sizes, chunks):
        data.append(b"".join(number_before(number) + line(number, sizes[number - 1]) for number in numbers))
        lengths.append(len(data[-1]))
    await blobs.stage_block("journals/x/output", "0", b"".join(data))
    await blobs.commit_blocks("journals/x/output", ["0"])
    with room.share() as share:
        ids = await merge(blobs, "journals/x/output", spans_of(lengths), "results/x/output", share, **limits)
    await blobs.commit_blocks("results/x/output", ids)
    return await read_all(blobs, "results/x/output"), ids


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ([10] * 500, 7),
        ([3], 2),
        ([size % 97 + 3 for size in range(3000)], 300),
        ([300_000, 5, 262_131, 262_132, 262_133, 7, 600_000], 3),
        ([5, BLOCK_BYTES + 9, 5, 3 * BLOCK_BYTES, 5], 3),
    ],
)
async def test_lines_come_in_order(world: World, sizes: list[int], chunks: int) -> None:
    """Also those longer than what is read at once, or than a block; a second merge gives the same blocks."""
    room = AnswerRoom(ROOM)
    expected = b"".join(line(number, size) for number, size in enumerate(sizes, 1))
    data, ids = await merged(world, sizes, chunks, room)

    assert data == expected
    assert (await merged(world, sizes, chunks, room)) == (data, ids)
    assert room.left == ROOM


async def test_many_chunks_are_read_in_small_pieces(world: World) -> None:
    """All of them together take what a few would."""
    sizes = [20] * 2000
    data, _ = await merged(world, sizes, 100, AnswerRoom(ROOM), most_bytes=3000)

    assert data == b"".join(line(number, 20) for number in range(1, 2001))


async def test_what_is_gone_is_missed(world: World) -> None:
    """Another call has merged it and removed it."""
    with AnswerRoom(ROOM).share() as share, pytest.raises(BlobMissing):
        await merge(world.service.stores.blobs, "journals/y/output", spans_of([90]), "results/y/output", share)
