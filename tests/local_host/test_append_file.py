"""What a power cut may leave of an append, and files of versions before."""

from pathlib import Path

import msgspec
import pytest

from local_host.stores import append_file, blob_rows
from local_host.stores.append_file import HEAD_BYTES
from local_host.stores.blob_rows import Piece
from local_host.stores.stores import open_stores
from tests.contracts.test_blob_store import read_all

NAME = "journals/b/000000"


def blob(path: Path) -> bytes:
    return path.read_bytes()[HEAD_BYTES:][: append_file.length(path)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A blob of two appends."""
    path = tmp_path / "file"
    path.write_bytes(append_file.head(b"one\n") + b"one\n")
    append_file.extend(path, b"second\n")
    return path


def test_appends_follow_each_other(file: Path) -> None:
    """Whatever the number of the append, and so the place of its note."""
    for number in range(5):
        append_file.extend(file, b"%d\n" % number)
    assert blob(file) == b"one\nsecond\n0\n1\n2\n3\n4\n"


@pytest.mark.parametrize("appends", [0, 1], ids=["even", "odd"])
@pytest.mark.parametrize("head", ["old", "new", "torn"])
@pytest.mark.parametrize("tail", ["old", "new", "torn", "zeros"])
def test_an_append_is_there_as_a_whole_or_not_at_all(file: Path, appends: int, head: str, tail: str) -> None:
    """Whichever of its writes came to the disk; what is appended afterwards follows what is there."""
    for _ in range(appends):
        append_file.extend(file, b"more\n")
    before = file.read_bytes()
    had = blob(file)
    append_file.extend(file, b"third and last\n")
    after = file.read_bytes()
    changed = next(at for at in range(HEAD_BYTES) if before[at] != after[at])
    heads = {"old": before, "new": after, "torn": after[: changed + 9] + before[changed + 9 :]}
    arrived = after[HEAD_BYTES:]
    missing = len(arrived) - len(had)
    tails = {"old": had, "new": arrived, "torn": arrived[:-4], "zeros": had + b"\0" * missing}
    file.write_bytes(heads[head][:HEAD_BYTES] + tails[tail])
    expected = arrived if (head, tail) == ("new", "new") else had
    assert blob(file) == expected
    append_file.extend(file, b"next\n")
    assert blob(file) == expected + b"next\n"


def test_a_file_without_a_note_is_empty(file: Path) -> None:
    """As entries that are none any more: their lines are sent again, and the journal goes on."""
    file.write_bytes(b"\0" * file.stat().st_size)
    assert blob(file) == b""
    append_file.extend(file, b"again\n")
    assert blob(file) == b"again\n"


async def test_a_journal_of_a_version_before_goes_on(tmp_path: Path) -> None:
    """Its row tells its length; what a killed append left behind that is dropped."""
    stores = open_stores(tmp_path)
    (tmp_path / "blobs" / "old").write_bytes(b"one\ntorn")
    row = (NAME, 4, msgspec.json.encode([["", "old", 4]]))
    await stores.blobs._database.write(lambda c: c.execute("INSERT INTO blobs VALUES (?, ?, ?)", row).rowcount)
    assert await read_all(stores.blobs, NAME) == b"one\n"
    for entry in (b"two\n", b"three\n"):
        await stores.blobs.append(NAME, entry)
    assert await read_all(stores.blobs, NAME) == b"one\ntwo\nthree\n"
    assert await stores.blobs.size(NAME) == 14
    pieces = await stores.blobs._database.read(lambda connection: blob_rows.committed(connection, NAME))
    await stores.close()
    assert pieces == [Piece("", pieces[0].file, 0, HEAD_BYTES)]
    assert [path.name for path in (tmp_path / "blobs").iterdir()] == [pieces[0].file]


async def test_lost_bytes_of_a_journal_are_told(tmp_path: Path) -> None:
    """Reading finds no blob, and an append says which file is missing, as for every other blob."""
    stores = open_stores(tmp_path)
    await stores.blobs.append(NAME, b"one\n")
    for path in (tmp_path / "blobs").iterdir():
        path.unlink()
    missing, told = await outcomes(stores)
    await stores.close()
    assert (missing, told) == ("BlobMissing", "Unavailable")


async def outcomes(stores) -> tuple[str, str]:
    found = []
    for call in (read_all(stores.blobs, NAME), stores.blobs.append(NAME, b"two\n")):
        try:
            await call
        except Exception as error:
            found.append(type(error).__name__)
    return tuple(found)
