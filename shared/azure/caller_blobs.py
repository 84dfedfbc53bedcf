"""Callers' own blobs in Azure Storage, by URL: read and written with the service's identity.

Which accounts may be reached is decided before (`blob_address`); here only the service's own containers are refused.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobClient, ContainerClient

from shared.azure.faults import translated
from shared.domain.files.blob_address import is_closed
from shared.ports.base import AccessDenied, BlobMissing, Changed
from shared.ports.caller_blobs import BlobVersion

READ_BYTES = 4 * 1024 * 1024
_RANGE_PAST_END = 416
_RETRY_LATER = frozenset({408, 429})


class AzureCallerBlobs:
    """`CallerBlobs`. `own` is the container of the service: its account is reached as that is, others by `identity`.

    `options` are those of one client.
    """

    def __init__(
        self, own: ContainerClient | None, identity: Callable[[], Any], options: Callable[[], dict[str, Any]]
    ) -> None:
        self._own = own
        self._identity = identity
        self._options = options
        self._known_identity: Any = None

    async def look(self, url: str) -> BlobVersion:
        with _told_apart(url):
            async with self._blob(url) as blob:
                found = await blob.get_blob_properties()
                return BlobVersion(etag=str(found.etag), size=int(found.size))

    async def read(self, url: str, version: BlobVersion) -> AsyncGenerator[bytes, None]:
        async with self._blob(url) as blob:
            for start in range(0, version.size, READ_BYTES):
                with _told_apart(url):
                    download = await blob.download_blob(
                        offset=start,
                        length=min(READ_BYTES, version.size - start),
                        etag=version.etag,
                        match_condition=MatchConditions.IfNotModified,
                    )
                    data = await download.readall()
                yield data

    async def write(self, url: str, pieces: AsyncIterator[bytes]) -> None:
        async with self._blob(url) as blob:
            blocks: list[BlobBlock] = []
            async for piece in pieces:
                blocks.append(BlobBlock(f"{len(blocks):08d}"))
                with _told_apart(url):
                    await blob.stage_block(blocks[-1].id, BytesIO(piece), length=len(piece))
            with _told_apart(url):
                await blob.commit_block_list(blocks)

    def _blob(self, url: str) -> BlobClient:
        """Closed by its caller; raises AccessDenied for what belongs to the service."""
        self._check_open(url)
        try:
            blob = BlobClient.from_blob_url(url, credential=self._credential(url), **self._options())
        except ValueError as error:
            raise BlobMissing(f"{url} is no blob.") from error
        self._check_open(blob.url)  # What the SDK has made of it is what it will send.
        return blob

    def _check_open(self, url: str) -> None:
        if is_closed(url, self._own.container_name if self._own is not None else None):
            raise AccessDenied(f"{url} is in a container of the service itself.")

    def _credential(self, url: str) -> Any:
        if self._own is not None and urlsplit(url).netloc.lower() == urlsplit(self._own.url).netloc.lower():
            return self._own.credential
        if self._known_identity is None:
            self._known_identity = self._identity()
        return self._known_identity


@contextmanager
def _told_apart(url: str) -> Iterator[None]:
    """What the account says for good raises BlobMissing, Changed or AccessDenied; everything else Unavailable."""
    with translated():
        try:
            yield
        except ResourceNotFoundError as error:
            raise BlobMissing(f"There is no blob or no container at {url}.") from error
        except ResourceModifiedError as error:
            raise Changed(f"{url} was changed.") from error
        except HttpResponseError as error:
            if error.status_code == _RANGE_PAST_END:
                raise Changed(f"{url} was changed.") from error
            if error.status_code and 400 <= error.status_code < 500 and error.status_code not in _RETRY_LATER:
                raise AccessDenied(f"The storage account refuses the service at {url}.") from error
            raise
