"""Blobs in one container of Blob Storage: staged blocks and commit lists, append blobs for what grows.

Rule: one call is one request wherever the service allows it, and nothing is copied. Holds no rule of the product.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobClient, ContainerClient

from shared.azure.faults import error_code, translated
from shared.domain.errors import Unavailable
from shared.ports.base import BlobMissing

READ_BYTES = 4 * 1024 * 1024
DELETES_AT_ONCE = 16
KNOWN_CLIENTS = 64  # Journals that are written at the same time: to make a client is a fifth of what an append costs.


class BlobBlobs:
    """`BlobStore`; the container is created on first use.

    An append whose answer was lost is sent again by the SDK, so its bytes may be there twice; journals expect that.
    """

    def __init__(self, container: ContainerClient) -> None:
        self._container = container
        self._client = lru_cache(KNOWN_CLIENTS)(container.get_blob_client)
        self._making = asyncio.Lock()
        self._made = False

    async def _blob(self, name: str) -> BlobClient:
        await self._ready()
        return self._client(name)

    async def _ready(self) -> ContainerClient:
        async with self._making:
            if not self._made:
                with suppress(ResourceExistsError):
                    await self._container.create_container()
                self._made = True
        return self._container

    async def stage_block(self, name: str, block_id: str, data: bytes) -> None:
        with translated():
            await (await self._blob(name)).stage_block(block_id, BytesIO(data), length=len(data))

    async def commit_blocks(self, name: str, block_ids: Sequence[str]) -> int:
        with translated():
            blob = await self._blob(name)
            try:
                await blob.commit_block_list([BlobBlock(block_id) for block_id in block_ids])
            except HttpResponseError as error:
                if error_code(error) != "InvalidBlockList":
                    raise
                raise BlobMissing(f"{name} lacks a block of the list, neither staged nor committed.") from error
        return await self.size(name)

    async def put(self, name: str, data: bytes) -> None:
        with translated():
            await (await self._blob(name)).upload_blob(data, overwrite=True)

    async def size(self, name: str) -> int:
        with translated():
            try:
                return int((await (await self._blob(name)).get_blob_properties()).size)
            except ResourceNotFoundError as error:
                raise BlobMissing(f"There is no blob {name}.") from error

    async def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        left = length
        while left is None or left > 0:
            data, size = await self._read_span(name, start, READ_BYTES if left is None else min(READ_BYTES, left))
            if data:
                yield data
            start += len(data)
            left = None if left is None else left - len(data)
            if start >= size:
                return

    async def _read_span(self, name: str, start: int, length: int) -> tuple[bytes, int]:
        """The bytes, and the size of the whole blob (0 when `start` is past its end)."""
        with translated():
            try:
                download = await (await self._blob(name)).download_blob(offset=start, length=length)
                data = await download.readall()
            except ResourceNotFoundError as error:
                raise BlobMissing(f"There is no blob {name}.") from error
            except HttpResponseError as error:
                if error.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
                return b"", 0
        return data, int((download.properties.content_range or "").rpartition("/")[2])

    async def append(self, name: str, data: bytes) -> None:
        with translated():
            blob = await self._blob(name)
            while not await _appended(blob, data):
                with suppress(ResourceExistsError):  # Another was first.
                    await blob.create_append_blob(match_condition=MatchConditions.IfMissing)

    async def delete(self, name: str) -> bool:
        with translated():
            blob = await self._blob(name)
            if await _has_staged(blob):
                await blob.commit_block_list([])  # Drops them; deleting alone would leave them or find no blob.
            return await _deleted(blob)

    async def delete_prefix(self, prefix: str) -> None:
        limit = asyncio.Semaphore(DELETES_AT_ONCE)

        async def delete(name: str) -> None:
            async with limit:
                await self.delete(name)

        with translated():
            container = await self._ready()
            listed = container.list_blobs(name_starts_with=prefix, include=["uncommittedblobs"])
            names = [blob.name async for blob in listed]
        await asyncio.gather(*(delete(name) for name in names))

    async def names(self, prefix: str) -> AsyncIterator[str]:
        with translated():
            container = await self._ready()
            async for name in container.list_blob_names(name_starts_with=prefix):
                yield name


async def _appended(blob: BlobClient, data: bytes) -> bool:
    """False if there is no blob to append to yet."""
    try:
        await blob.append_block(BytesIO(data), length=len(data))
    except ResourceNotFoundError:
        return False
    except HttpResponseError as error:
        if error_code(error) != "BlockCountExceedsLimit":
            raise
        raise Unavailable(
            f"{blob.blob_name} holds as many appends as Blob Storage allows (50,000): raise BATCH_JOURNAL_SECONDS or "
            "lower BATCH_CHUNK_LINES, then send the batch again."
        ) from error
    return True


async def _deleted(blob: BlobClient) -> bool:
    try:
        await blob.delete_blob()
    except ResourceNotFoundError:
        return False
    return True


async def _has_staged(blob: BlobClient) -> bool:
    try:
        _, staged = await blob.get_block_list("uncommitted")
    except ResourceNotFoundError:
        return False
    except HttpResponseError as error:
        if error_code(error) != "InvalidBlobType":  # An append blob has no blocks.
            raise
        return False
    return bool(staged)
