"""Bytes that the local stores have given up are gone, also where the process was killed before it could remove them."""

import pytest

from local_host.stores import blob_rows
from local_host.stores.disk_blobs import DiskBlobs
from local_host.stores.stores import open_stores


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "blobs").iterdir())


async def noted(stores):
    return await stores.blobs._database.read(blob_rows.all_dropped)


async def fill(blobs):
    for name in ("replaced", "deleted"):
        await blobs.put(name, b"a prompt")
    for name in ("committed", "staged"):
        await blobs.stage_block(name, "1", b"a prompt")
    await blobs.commit_blocks("committed", ["1"])
    for name in ("journals/1", "journals/2"):
        await blobs.append(name, b"an answer")


async def give_up(blobs):
    """All of it, in each way that there is."""
    await blobs.put("replaced", b"x")
    await blobs.commit_blocks("committed", [])
    await blobs.stage_block("staged", "1", b"y")
    await blobs.delete("deleted")
    await blobs.delete_prefix("journals/")


class CutOff(DiskBlobs):
    """Killed each time when rows have been written, and no file is removed yet."""

    def _remove(self, *files):
        pass


@pytest.fixture
async def killed(tmp_path):
    """The data folder of such a process."""
    stores = open_stores(tmp_path)
    await fill(stores.blobs)
    await give_up(CutOff(stores.blobs._database, stores.blobs._folder))
    await stores.close()
    return tmp_path


async def test_what_a_killed_process_gave_up_is_gone_at_the_next_start(killed):
    """And not kept as lost; what is named stays."""
    assert len(files(killed)) == 8
    stores = open_stores(killed)
    left = files(killed)
    texts = [b"".join([piece async for piece in stores.blobs.read(name)]) for name in ("replaced", "committed")]
    await stores.blobs.commit_blocks("staged", ["1"])
    texts.append(b"".join([piece async for piece in stores.blobs.read("staged")]))
    notes = await noted(stores)
    await stores.close()

    assert len(left) == 2
    assert not (killed / "lost+found").exists()
    assert (texts, notes) == ([b"x", b"", b"y"], [])


async def test_notes_of_removed_files_do_not_pile_up(tmp_path):
    """Files go at once; of those that are gone a handful are still noted, until the next start."""
    stores = open_stores(tmp_path)
    for number in range(150):
        await stores.blobs.put("name", str(number).encode())
        assert len(files(tmp_path)) == 1
    assert len(await noted(stores)) < 64
    await stores.close()

    stores = open_stores(tmp_path)
    assert await noted(stores) == []
    await stores.close()
