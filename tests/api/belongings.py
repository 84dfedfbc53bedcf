"""What a project may own, one of each, with a mark in every text of it; and every spelling of its ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.files.file import RESULT_PURPOSE, File
from shared.domain.files.upload import Upload, UploadPart, block_id
from shared.domain.ids import new_id, to_base62, to_uuid
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.usage.usage import Usage
from shared.domain.vendors.vendor import Vendor
from shared.domain.webhooks.endpoint import WebhookEndpoint
from shared.domain.webhooks.event import BATCH_EVENTS
from shared.domain.webhooks.signature import KEY_BYTES, new_secret
from shared.services import Services

MARK: Final = "their-secret"
LINE: Final = b'{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n' % MARK.encode()
PREFIXES: Final = {
    "file": ("file-", "file_"),
    "upload": ("upload_", "batch-"),
    "batch": ("batch_",),
    "webhook_endpoint": ("we_",),
}


def spellings(kind: str, canonical: str) -> Iterator[str]:
    """Every way in which an id of this kind is taken, and the escaped path of one."""
    forms = (canonical, to_uuid(canonical), to_uuid(canonical).upper(), to_base62(canonical))
    for prefix in ("", *PREFIXES[kind]):
        yield from (f"{prefix}{form}" for form in forms)
    yield "".join(f"%{ord(character):02X}" for character in canonical)


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """Everything of one owner: `ids` by kind, and a part of its upload."""

    owner: str
    ids: dict[str, list[str]]
    part_id: str

    def every_id(self) -> list[str]:
        return [self.part_id, *(one for ids in self.ids.values() for one in ids)]


def ghost_of(canonical: str) -> str:
    """An id of the same moment that nobody ever issued."""
    return f"{canonical[:20]}{canonical[20:].translate(str.maketrans('0123456789abcdef', '123456789abcdef0'))}"


class Furnisher:
    """Makes objects of `owner` in the stores, as the service would, at the moment `at`."""

    def __init__(self, service: Services, owner: str, at: datetime) -> None:
        self._service, self._owner, self._at = service, owner, at
        self._made = 0

    async def furnish(self) -> Belongings:
        files = [await self._file("batch"), await self._file(RESULT_PURPOSE)]
        upload_id, part_id = await self._upload()
        statuses = (Status.VALIDATING, Status.IN_PROGRESS, Status.COMPLETED, Status.FAILED)
        batches = [await self._batch(status, files) for status in statuses]
        ids = {"file": files, "upload": [upload_id], "batch": batches, "webhook_endpoint": [await self._endpoint()]}
        return Belongings(owner=self._owner, ids=ids, part_id=part_id)

    def _id(self) -> str:
        self._made += 1
        return new_id(self._at + timedelta(milliseconds=self._made), bytes([self._made] * 10))

    async def _file(self, purpose: str) -> str:
        file_id = self._id()
        blob = f"files/{file_id}"
        await self._service.stores.blobs.put(blob, LINE)
        file = File(
            id=file_id,
            owner=self._owner,
            filename=f"{MARK}.jsonl",
            purpose=purpose,
            bytes=len(LINE),
            created_at=self._at,
            expires_at=self._at + timedelta(days=30),
            blob=blob,
        )
        await self._service.stores.files.insert(file)
        return file_id

    async def _upload(self) -> tuple[str, str]:
        upload = Upload(
            id=self._id(),
            owner=self._owner,
            filename=f"{MARK}.jsonl",
            purpose="batch",
            mime_type="application/jsonl",
            bytes=len(LINE),
            created_at=self._at,
            expires_at=self._at + timedelta(hours=1),
            file_expires_after=None,
        )
        part = UploadPart(id=self._id(), upload_id=upload.id, bytes=len(LINE), blocks=1, created_at=self._at)
        await self._service.stores.uploads.insert(upload)
        await self._service.stores.blobs.stage_block(upload.blob, block_id(part.id, 0), LINE)
        await self._service.stores.uploads.put_part(part)
        return upload.id, part.id

    async def _batch(self, status: Status, files: list[str]) -> str:
        ends = status in (Status.COMPLETED, Status.FAILED)
        known: dict[str, Any] = {"deployment": "m", "model": MARK, "total": 2, "chunks": 1, "input_tokens": 9}
        batch = Batch(
            id=self._id(),
            owner=self._owner,
            vendor=Vendor.OPENAI,
            endpoint="/v1/chat/completions",
            input_file_id=files[0],
            input_blob=f"files/{files[0]}",
            completion_window="24h",
            created_at=self._at,
            expires_at=self._at + timedelta(days=1),
            metadata={"team": MARK},
            status=status,
            usage=Usage(input_tokens=5, output_tokens=5),
            error_file_id=files[1] if ends else None,
            **(known if status is not Status.VALIDATING else {}),
            **({f"{status}_at": self._at} if status is not Status.VALIDATING else {}),
        )
        await self._service.stores.batches.insert(batch)
        if status is Status.IN_PROGRESS:
            await self._service.stores.chunks.put(ChunkRow(batch_id=batch.id, index=0, lane=0, completed=1), None)
            beat = Heartbeat(deployment="m", batch_id=batch.id, lane=0, at=self._at, reason=MARK)
            await self._service.stores.heartbeats.beat(beat)
        return batch.id

    async def _endpoint(self) -> str:
        endpoint = WebhookEndpoint(
            id=self._id(),
            owner=self._owner,
            name=MARK,
            url=f"https://{MARK}.example/hook",
            event_types=BATCH_EVENTS,
            created_at=self._at,
            updated_at=self._at,
            secret=new_secret(bytes(KEY_BYTES)),
        )
        await self._service.stores.webhook_endpoints.insert(endpoint)
        return endpoint.id


async def everything_of(service: Services, owned: Belongings) -> list[Any]:
    """All records and bytes of an owner: what no call of another may change."""
    stores, owner = service.stores, owned.owner
    rows = [row for batch_id in owned.ids["batch"] for row in await stores.chunks.list(batch_id)]
    uploads = [await stores.uploads.get(owner, upload_id) for upload_id in owned.ids["upload"]]
    parts = [part for upload_id in owned.ids["upload"] for part in await stores.uploads.list_parts(upload_id)]
    files = await stores.files.list(owner, limit=100)
    texts = [b"".join([piece async for piece in stores.blobs.read(file.blob)]) for file in files]
    batches = [await stores.batches.get(owner, batch_id) for batch_id in owned.ids["batch"]]
    everybody = await stores.batches.list(owner, limit=100)
    endpoints = await stores.webhook_endpoints.list(owner, limit=100)
    return [files, texts, uploads, parts, batches, everybody, rows, endpoints]
