"""Every sentence of `BlobStore`, against every implementation."""

import asyncio
import os

import pytest

from shared.ports.base import BlobMissing
from shared.ports.blobs import BlobStore

MIB = 1024 * 1024


async def read_all(blobs: BlobStore, name: str, start: int = 0, length: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(name, start, length)])


async def commit(blobs: BlobStore, name: str, *pieces: bytes) -> None:
    for index, piece in enumerate(pieces):
        await blobs.stage_block(name, f"{index:04d}", piece)
    await blobs.commit_blocks(name, [f"{index:04d}" for index in range(len(pieces))])


async def test_committed_blocks_read_back_in_the_order_of_the_list(blobs):
    """The order of the commit list counts, not the order of staging."""
    for block_id in ("0002", "0000", "0001"):
        await blobs.stage_block("files/a", block_id, block_id.encode())
    await blobs.commit_blocks("files/a", ["0001", "0000", "0002"])
    assert await read_all(blobs, "files/a") == b"000100000002"


async def test_commit_returns_the_size(blobs):
    """`commit_blocks` answers the bytes of the whole blob."""
    await blobs.stage_block("files/a", "0", b"abc")
    await blobs.stage_block("files/a", "1", b"de")
    assert await blobs.commit_blocks("files/a", ["0", "1"]) == 5


async def test_a_block_id_staged_again_replaces_the_block(blobs):
    """The last bytes staged under an id are the ones committed."""
    await blobs.stage_block("files/a", "0", b"first")
    await blobs.stage_block("files/a", "0", b"second")
    await blobs.commit_blocks("files/a", ["0"])
    assert await read_all(blobs, "files/a") == b"second"


async def test_staged_blocks_are_not_readable(blobs):
    """Before the commit there is no blob."""
    await blobs.stage_block("files/a", "0", b"x")
    with pytest.raises(BlobMissing):
        await blobs.size("files/a")


async def test_reading_staged_blocks_raises(blobs):
    """`read` of a blob never committed raises at the first piece."""
    await blobs.stage_block("files/a", "0", b"x")
    with pytest.raises(BlobMissing):
        await read_all(blobs, "files/a")


async def test_committing_no_blocks_makes_an_empty_blob(blobs):
    """An empty list is a blob of zero bytes."""
    assert await blobs.commit_blocks("files/a", []) == 0
    assert await read_all(blobs, "files/a") == b""


async def test_committing_the_same_list_again_succeeds(blobs):
    """A repeated commit answers the same and changes nothing."""
    await blobs.stage_block("files/a", "0", b"abc")
    await blobs.commit_blocks("files/a", ["0"])
    assert await blobs.commit_blocks("files/a", ["0"]) == 3
    assert await read_all(blobs, "files/a") == b"abc"


async def test_two_commits_of_one_list_at_once_are_as_one(blobs):
    """Two processes may commit the same list at the same time."""
    await blobs.stage_block("files/a", "0", b"abc")
    sizes = await asyncio.gather(*(blobs.commit_blocks("files/a", ["0"]) for _ in range(4)))
    assert sizes == [3, 3, 3, 3]


async def test_committed_and_new_blocks_mix(blobs):
    """A later commit may name blocks of the earlier one."""
    await commit(blobs, "files/a", b"one", b"two")
    await blobs.stage_block("files/a", "0009", b"nine")
    await blobs.commit_blocks("files/a", ["0001", "0009"])
    assert await read_all(blobs, "files/a") == b"twonine"


async def test_a_staged_block_wins_over_a_committed_one(blobs):
    """Of two blocks of one id, the newer is meant."""
    await commit(blobs, "files/a", b"old")
    await blobs.stage_block("files/a", "0000", b"new")
    await blobs.commit_blocks("files/a", ["0000"])
    assert await read_all(blobs, "files/a") == b"new"


async def test_blocks_left_out_of_the_list_are_dropped(blobs):
    """After a commit, a staged block it did not name cannot be committed any more."""
    await blobs.stage_block("files/a", "0", b"kept")
    await blobs.stage_block("files/a", "1", b"left out")
    await blobs.commit_blocks("files/a", ["0"])
    with pytest.raises(BlobMissing):
        await blobs.commit_blocks("files/a", ["0", "1"])


async def test_committing_an_unknown_block_raises_and_changes_nothing(blobs):
    """BlobMissing, and what was committed stays readable."""
    await commit(blobs, "files/a", b"abc")
    with pytest.raises(BlobMissing):
        await blobs.commit_blocks("files/a", ["0000", "0007"])
    assert await read_all(blobs, "files/a") == b"abc"


async def test_committing_unknown_blocks_of_an_unknown_blob_raises(blobs):
    """BlobMissing also where nothing was ever staged."""
    with pytest.raises(BlobMissing):
        await blobs.commit_blocks("files/none", ["0"])


async def test_block_ids_of_the_product_are_accepted(blobs):
    """Block ids as `shared.domain.batches.chunk.block_id` makes them."""
    await blobs.stage_block("results/b/output", "000001-0002-0a1b2c3d", b"x")
    assert await blobs.commit_blocks("results/b/output", ["000001-0002-0a1b2c3d"]) == 1


async def test_put_replaces_what_was_there(blobs):
    """The second `put` leaves nothing of the first."""
    await blobs.put("plans/a", b"a longer first")
    await blobs.put("plans/a", b"second")
    assert await read_all(blobs, "plans/a") == b"second"


async def test_put_of_nothing_is_an_empty_blob(blobs):
    """Zero bytes are a blob too."""
    await blobs.put("plans/a", b"")
    assert await blobs.size("plans/a") == 0


async def test_size_counts_bytes_of_a_put_blob(blobs):
    """`size` after `put`."""
    await blobs.put("plans/a", b"12345")
    assert await blobs.size("plans/a") == 5


async def test_size_of_a_missing_blob_raises(blobs):
    """`size` raises BlobMissing."""
    with pytest.raises(BlobMissing):
        await blobs.size("plans/none")


async def test_read_of_a_missing_blob_raises(blobs):
    """`read` raises BlobMissing."""
    with pytest.raises(BlobMissing):
        await read_all(blobs, "plans/none")


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, b"abcdefgh"),
        (0, 3, b"abc"),
        (2, 3, b"cde"),
        (3, 1, b"d"),
        (5, None, b"fgh"),
        (6, 100, b"gh"),
        (8, None, b""),
        (8, 1, b""),
        (50, 10, b""),
        (2, 0, b""),
    ],
)
async def test_a_range_is_cut_at_the_end(blobs, start, length, expected):
    """At most `length` bytes from `start`, and never past the end, across block borders."""
    await commit(blobs, "files/a", b"abc", b"de", b"fgh")
    assert await read_all(blobs, "files/a", start, length) == expected


async def test_pieces_are_at_most_4_mib(blobs):
    """However large the blocks are."""
    data = os.urandom(6 * MIB)
    await commit(blobs, "files/a", data, b"tail")
    pieces = [piece async for piece in blobs.read("files/a")]
    assert max(map(len, pieces)) <= 4 * MIB
    assert b"".join(pieces) == data + b"tail"


async def test_a_reader_may_stop_early(blobs):
    """Leaving the loop after the first piece leaves nothing broken behind."""
    await commit(blobs, "files/a", bytes(5 * MIB))
    pieces = blobs.read("files/a")
    await anext(pieces)
    await pieces.aclose()
    assert await blobs.size("files/a") == 5 * MIB


async def test_append_creates_the_blob(blobs):
    """The first append makes it."""
    await blobs.append("journals/b/000000", b"one\n")
    assert await read_all(blobs, "journals/b/000000") == b"one\n"


async def test_appends_follow_each_other(blobs):
    """Each append goes to the end."""
    for number in range(5):
        await blobs.append("journals/b/000000", b"%d\n" % number)
    assert await read_all(blobs, "journals/b/000000") == b"0\n1\n2\n3\n4\n"


async def test_size_counts_appended_bytes(blobs):
    """`size` after two appends."""
    await blobs.append("journals/b/000000", b"abc")
    await blobs.append("journals/b/000000", b"de")
    assert await blobs.size("journals/b/000000") == 5


async def test_an_append_may_be_larger_than_a_piece(blobs):
    """One long result line is appended as a whole."""
    data = os.urandom(9 * MIB)
    await blobs.append("journals/b/000000", data)
    assert await read_all(blobs, "journals/b/000000") == data


async def test_appends_at_once_are_each_whole(blobs):
    """Appends of one blob at the same time, its creation included: all there, none torn, none twice."""
    records = [f"{number:03d}".encode() * 700 + b"\n" for number in range(24)]
    await asyncio.gather(*(blobs.append("journals/b/000000", record) for record in records))
    lines = (await read_all(blobs, "journals/b/000000")).splitlines(keepends=True)
    assert sorted(lines) == records


async def test_deleting_a_blob_makes_it_missing(blobs):
    """True, and gone."""
    await commit(blobs, "files/a", b"abc")
    assert await blobs.delete("files/a") is True
    with pytest.raises(BlobMissing):
        await blobs.size("files/a")


async def test_deleting_twice_answers_false(blobs):
    """The second time there is none."""
    await commit(blobs, "files/a", b"abc")
    await blobs.delete("files/a")
    assert await blobs.delete("files/a") is False


async def test_deleting_what_never_was_answers_false(blobs):
    """No blob, no block: False."""
    assert await blobs.delete("files/none") is False


async def test_deleting_an_appended_blob_lets_it_start_anew(blobs):
    """An append after the delete begins an empty blob."""
    await blobs.append("journals/b/000000", b"old")
    assert await blobs.delete("journals/b/000000") is True
    await blobs.append("journals/b/000000", b"new")
    assert await read_all(blobs, "journals/b/000000") == b"new"


async def test_delete_drops_blocks_never_committed(blobs):
    """An upload that was given up leaves nothing that could be committed."""
    await blobs.stage_block("files/a", "0", b"x")
    assert await blobs.delete("files/a") is True
    with pytest.raises(BlobMissing):
        await blobs.commit_blocks("files/a", ["0"])


async def test_delete_drops_committed_and_staged_blocks(blobs):
    """Staged blocks go even where a committed blob of the name exists."""
    await commit(blobs, "files/a", b"abc")
    await blobs.stage_block("files/a", "0001", b"x")
    await blobs.delete("files/a")
    with pytest.raises(BlobMissing):
        await blobs.commit_blocks("files/a", ["0001"])


async def test_delete_prefix_removes_every_kind_of_blob(blobs):
    """Committed, appended and put blobs whose name starts with the prefix go."""
    await commit(blobs, "journals/b/0", b"x")
    await blobs.append("journals/b/1", b"x")
    await blobs.put("journals/b/2", b"x")
    await blobs.delete_prefix("journals/b/")
    for name in ("journals/b/0", "journals/b/1", "journals/b/2"):
        with pytest.raises(BlobMissing):
            await blobs.size(name)


async def test_delete_prefix_drops_blocks_never_committed(blobs):
    """Staged blocks under the prefix cannot be committed any more."""
    await blobs.stage_block("results/b/output", "0", b"x")
    await blobs.delete_prefix("results/b/")
    with pytest.raises(BlobMissing):
        await blobs.commit_blocks("results/b/output", ["0"])


@pytest.mark.parametrize("name", ["journals/c/0", "journals/b", "journals/B/0", "journals/bb/0", "plans/journals/b/0"])
async def test_delete_prefix_spares_other_names(blobs, name):
    """Only names that start with the prefix, letter by letter."""
    await blobs.put(name, b"kept")
    await blobs.delete_prefix("journals/b/")
    assert await blobs.size(name) == 4


async def test_delete_prefix_of_nothing_is_no_error(blobs):
    """No blob, no error, and again."""
    await blobs.delete_prefix("journals/none/")
    await blobs.delete_prefix("journals/none/")


async def test_many_calls_at_once(blobs):
    """One instance serves many concurrent calls."""

    async def one(number: int) -> bytes:
        name = f"files/{number}"
        await commit(blobs, name, b"%d" % number, b"!")
        return await read_all(blobs, name)

    assert await asyncio.gather(*(one(number) for number in range(20))) == [b"%d!" % n for n in range(20)]


async def listed(blobs: BlobStore, prefix: str) -> list[str]:
    return [name async for name in blobs.names(prefix)]


async def test_names_of_every_kind_of_blob(blobs):
    """Committed, appended and put ones under the prefix, in order; what is only staged is no blob yet."""
    await commit(blobs, "files/b", b"x")
    await blobs.append("files/c", b"x")
    await blobs.put("files/a", b"x")
    await blobs.put("filed", b"x")
    await blobs.stage_block("files/d", "0", b"x")
    assert await listed(blobs, "files/") == ["files/a", "files/b", "files/c"]


async def test_many_names_are_listed(blobs):
    """More than a page of the local store."""
    await asyncio.gather(*(blobs.put(f"plans/{number:04d}", b"") for number in range(201)))
    assert await listed(blobs, "plans/") == [f"plans/{number:04d}" for number in range(201)]


async def test_no_names(blobs):
    """Nothing under the prefix: nothing."""
    assert await listed(blobs, "files/") == []
