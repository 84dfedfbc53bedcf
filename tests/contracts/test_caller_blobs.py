"""Callers' own blobs, against the storage emulator: one version or none, and what an account refuses."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

import pytest
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import ContainerClient

from local_host.stores.caller_blobs import LateCallerBlobs
from shared.azure.caller_blobs import AzureCallerBlobs
from shared.azure.connect import azure_stores_from_connection_string
from shared.domain.errors import Unavailable
from shared.ports.base import AccessDenied, BlobMissing, Changed
from shared.ports.caller_blobs import CallerBlobs
from shared.ports.stores import Stores
from tests.contracts.conftest import fresh_names

MIB = 1024 * 1024


@pytest.fixture
async def azure(azurite: str) -> AsyncIterator[Stores]:
    stores = azure_stores_from_connection_string(azurite, fresh_names())
    yield stores
    await stores.close()


@pytest.fixture(params=["platform", "local_host"])
def blobs(request: pytest.FixtureRequest, azure: Stores, azurite: str) -> Iterator[CallerBlobs]:
    """As on the platform, and as on the local host."""
    if request.param == "platform":
        yield azure.caller_blobs
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CallersStorage", azurite)
        yield LateCallerBlobs("CallersStorage")


@pytest.fixture
async def box(azurite: str) -> AsyncIterator[ContainerClient]:
    """A caller's container."""
    async with ContainerClient.from_connection_string(azurite, f"box-{uuid.uuid4().hex[:8]}") as container:
        await container.create_container()
        yield container


async def put(box: ContainerClient, data: bytes, name: str = "in put/ü.jsonl") -> str:
    blob = box.get_blob_client(name)
    if data:
        await blob.stage_block("1", BytesIO(data), length=len(data))
    await blob.commit_block_list([BlobBlock("1")] if data else [])
    return str(blob.url)


async def get(box: ContainerClient, name: str) -> bytes:
    return bytes(await (await box.download_blob(name)).readall())


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def read(blobs: CallerBlobs, url: str, version: Any = None) -> list[bytes]:
    return [piece async for piece in blobs.read(url, version or await blobs.look(url))]


@pytest.mark.parametrize("size", [0, 1, 4 * MIB, 9 * MIB + 1])
async def test_a_blob_is_read_in_pieces(blobs: CallerBlobs, box: ContainerClient, size: int) -> None:
    """All of it, whatever its size; a piece has at most 4 MiB."""
    data = bytes(range(251)) * (size // 251 + 1)
    found = await read(blobs, await put(box, data[:size]))
    assert b"".join(found) == data[:size]
    assert max(map(len, found), default=0) <= 4 * MIB


async def test_a_look_tells_size_and_version(blobs: CallerBlobs, box: ContainerClient) -> None:
    """Other bytes, another version."""
    first = await blobs.look(await put(box, b"abc"))
    second = await blobs.look(await put(box, b"abd"))
    assert (first.size, second.size, first.etag != second.etag) == (3, 3, True)


async def test_a_changed_blob_is_not_read(blobs: CallerBlobs, box: ContainerClient) -> None:
    """Before the first piece, and between two."""
    url = await put(box, b"a" * 9 * MIB)
    version = await blobs.look(url)
    reading = blobs.read(url, version)
    await anext(reading)
    await put(box, b"b" * 9 * MIB)
    with pytest.raises(Changed):
        await anext(reading)
    with pytest.raises(Changed):
        await read(blobs, url, version)


async def test_a_blob_deleted_on_the_way_is_no_outage(blobs: CallerBlobs, box: ContainerClient) -> None:
    """Trying again will not bring it back. The emulator calls it changed, the service missing."""
    url = await put(box, b"a" * 9 * MIB)
    reading = blobs.read(url, await blobs.look(url))
    await anext(reading)
    await box.delete_blob("in put/ü.jsonl")
    with pytest.raises((BlobMissing, Changed)):
        await anext(reading)


@pytest.mark.parametrize("name", ["none", "a/b/none"])
async def test_what_is_not_there_is_missing(blobs: CallerBlobs, box: ContainerClient, name: str) -> None:
    """No blob, or no container."""
    for url in (f"{box.url}/{name}", f"{box.url}-none/{name}"):
        with pytest.raises(BlobMissing):
            await blobs.look(url)


@pytest.mark.parametrize("parts", [[], [b"a\n"], [b"a" * 4 * MIB, b"b" * 4 * MIB, b"c"]])
async def test_a_blob_is_written_from_pieces(blobs: CallerBlobs, box: ContainerClient, parts: list[bytes]) -> None:
    """None make an empty blob; a second write replaces the first."""
    for _ in range(2):
        await blobs.write(f"{box.url}/out/results.jsonl", pieces(*parts))
    assert await get(box, "out/results.jsonl") == b"".join(parts)


async def test_a_write_that_fails_leaves_what_was_there(blobs: CallerBlobs, box: ContainerClient) -> None:
    """Nobody reads half of the results."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"new"
        raise Unavailable("The source is down.")

    await put(box, b"old", "out.jsonl")
    with pytest.raises(Unavailable):
        await blobs.write(f"{box.url}/out.jsonl", broken())
    assert await get(box, "out.jsonl") == b"old"


async def test_two_writes_at_once_do_not_mix(blobs: CallerBlobs, box: ContainerClient) -> None:
    """A repeated activity writes the same; whoever is last wins as a whole."""
    parts = [b"a" * MIB, b"b" * MIB, b"c"]
    await asyncio.gather(*(blobs.write(f"{box.url}/out.jsonl", pieces(*parts)) for _ in range(3)))
    assert await get(box, "out.jsonl") == b"".join(parts)


async def test_without_a_container_nothing_is_written(blobs: CallerBlobs, box: ContainerClient) -> None:
    """The service makes no containers in accounts of others."""
    with pytest.raises(BlobMissing):
        await blobs.write(f"{box.url}-none/out.jsonl", pieces(b"a"))


CLOSED = [
    "batchfiles",
    "azure-webjobs-secrets",
    "batch%66iles",
    "Azure-WebJobs-hosts",
    "batchfiles%2Ffiles",
    "batch%2566iles",
    "azure-webjobs-hosts%2F",
    "myhub-leases",
    "MyHub-applease",
    "myhub-largemessages%2Fx",
]


@pytest.mark.parametrize("name", CLOSED)
async def test_the_services_own_containers_are_closed(azurite: str, box: ContainerClient, name: str) -> None:
    """In them are the files of all callers, and the platform's secrets."""
    blobs = azure_stores_from_connection_string(azurite).caller_blobs
    url = f"{box.url.rpartition('/')[0]}/{name}/files/1"
    with pytest.raises(AccessDenied):
        await blobs.look(url)
    with pytest.raises(AccessDenied):
        await blobs.write(url, pieces(b"a"))
    with pytest.raises(AccessDenied):
        await anext(blobs.read(url, await _any_version(azurite, box)))


@pytest.mark.parametrize("written", ["{own}/{blob}", "{own}%2Ffiles/1", "{own}%2F{blob}", "%2F{own}/{blob}"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
async def test_no_spelling_reaches_a_file_of_the_service(azurite: str, written: str, host: str) -> None:
    """A file that is there is neither read nor written over, under names of the host that the SDK reads differently."""
    names = fresh_names()
    stores = azure_stores_from_connection_string(azurite, names)
    await stores.blobs.put("files/1", b"secret")
    account = stores.blobs._container.url.rpartition("/")[0].replace("127.0.0.1", host)
    url = f"{account}/{written.format(own=names.container, blob='files/1')}"
    with pytest.raises(AccessDenied):
        await stores.caller_blobs.look(url)
    with pytest.raises(AccessDenied):
        await stores.caller_blobs.write(url, pieces(b"a"))
    assert b"".join([piece async for piece in stores.blobs.read("files/1")]) == b"secret"
    await stores.close()


async def _any_version(azurite: str, box: ContainerClient) -> Any:
    return await azure_stores_from_connection_string(azurite).caller_blobs.look(await put(box, b"abc"))


async def test_an_account_that_refuses_is_told_from_one_that_is_down(azurite: str, box: ContainerClient) -> None:
    """403 ends the batch, silence is tried again."""
    url = await put(box, b"abc")
    wrong_key = azurite.replace("Eby8vdM02", "AAAAAAAAA")
    with pytest.raises(AccessDenied):
        await azure_stores_from_connection_string(wrong_key).caller_blobs.look(url)
    nowhere = azurite.replace(box.url.split("/")[2], "127.0.0.1:9")
    async with ContainerClient.from_connection_string(nowhere, "own") as own:
        down = AzureCallerBlobs(own, pytest.fail, lambda: {"retry_total": 0, "connection_timeout": 1})
        with pytest.raises(Unavailable):
            await down.look("http://127.0.0.1:9/devstoreaccount1/box/in.jsonl")


async def test_the_key_stays_with_its_account(azure: Stores, azurite: str) -> None:
    """Another host is asked with the identity alone: here there is none, and no request is made."""
    asked: list[str] = []

    class Identity:
        async def get_token(self, *scopes: str, **_: Any) -> Any:
            asked.extend(scopes)
            raise RuntimeError("There is no identity here.")

    azure.caller_blobs._identity = Identity
    with pytest.raises(RuntimeError):
        await azure.caller_blobs.look("https://127.0.0.1:9/box/in.jsonl")
    assert asked == ["https://storage.azure.com/.default"]
