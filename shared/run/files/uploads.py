"""Changing an upload's record, and completing it: its parts become one file, and nothing is copied.

To be checked, blocks must be readable, and so committed. Committing drops every block that the list leaves out:
the check commits the file's blocks first and all others behind them, so that a completion that is refused (wrong
checksum) has taken nothing away. Only what has passed is committed alone. Completing twice, also at once, is as once.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import Sequence
from contextlib import suppress

from shared.domain import ids
from shared.domain.errors import DurableBatchError, InvalidRequest
from shared.domain.files.new_file import BATCH_PURPOSE, HEAD_BYTES, check_batch_head
from shared.domain.files.new_upload import Completion, check_md5
from shared.domain.files.upload import (
    CheckFailed,
    CheckPassed,
    CompletionAsked,
    Event,
    FileMade,
    Upload,
    UploadPart,
    UploadStatus,
    apply,
    check_same_parts,
)
from shared.domain.files.upload_parts import check_parts
from shared.ports.base import AlreadyExists, BlobMissing, Changed, Stored
from shared.services import Services
from shared.telemetry.attributes import DIRECTION, PURPOSE
from shared.telemetry.metrics import FILE_BYTES

log = logging.getLogger(__name__)


async def change_upload(service: Services, upload: Upload, event: Event) -> Stored[Upload]:
    """The record after `event`, applied to its newest version.

    Raises WrongState if the event is not allowed (any more), KeyError if the record is gone.
    """
    while True:
        stored = await service.stores.uploads.get(upload.owner, upload.id)
        if stored is None:
            raise KeyError(upload.id)
        changed = apply(stored.value, event, service.now())
        if changed == stored.value:
            return stored
        try:
            return Stored(changed, await service.stores.uploads.replace(changed, stored.version))
        except Changed:
            continue


async def complete(service: Services, upload: Upload, wanted: Completion) -> Upload:
    """The completed upload. Raises InvalidRequest (the upload stays open) or WrongState."""
    claim = await change_upload(service, upload, CompletionAsked(wanted.part_ids))
    upload = claim.value if claim.value.is_decided else await _decide(service, claim, wanted)
    check_same_parts(upload, wanted.part_ids)
    return await finish_upload(service, upload)


async def finish_upload(service: Services, upload: Upload) -> Upload:
    """What is left once the file is decided: its bytes, its record, the upload's end. May be repeated."""
    if upload.status is UploadStatus.COMPLETED:
        return upload
    known = {part.id: part for part in await service.stores.uploads.list_parts(upload.id)}
    try:
        await service.stores.blobs.commit_blocks(upload.blob, _blocks([known[part_id] for part_id in upload.part_ids]))
    except BlobMissing:  # An earlier call got to the end, and the file has been deleted since.
        pass
    else:
        with suppress(AlreadyExists):  # An earlier call got this far.
            await service.stores.files.insert(upload.file())
            FILE_BYTES.record(upload.bytes, {PURPOSE: upload.purpose, DIRECTION: "upload"})
    log.info("An upload was completed.", extra={"action": "upload_completed", "bytes": upload.bytes})
    return (await change_upload(service, upload, FileMade())).value


async def _decide(service: Services, claim: Stored[Upload], wanted: Completion) -> Upload:
    """Check the file, and decide on it. A refusal opens the upload again, unless another call has taken over."""
    upload = claim.value
    file_id = ids.new_id(service.now(), os.urandom(10))
    try:
        await _check(service, upload, wanted)
        decision = await change_upload(service, upload, CheckPassed(wanted.part_ids, file_id))
    except BaseException:
        with suppress(DurableBatchError, Changed):
            await service.stores.uploads.replace(apply(upload, CheckFailed(), service.now()), claim.version)
        raise
    return decision.value


async def _check(service: Services, upload: Upload, wanted: Completion) -> None:
    """Raises InvalidRequest."""
    parts = await service.stores.uploads.list_parts(upload.id)
    chosen = check_parts(upload, parts, wanted.part_ids)
    try:
        await _make_readable(service, upload, chosen, [part for part in parts if part.id not in wanted.part_ids])
        if upload.purpose == BATCH_PURPOSE:
            await _check_head(service, upload)
        if wanted.md5:
            check_md5(wanted.md5, await _md5(service, upload))
    except BlobMissing:  # Cancelled meanwhile, or dropped by a completion that was cut off.
        raise InvalidRequest(
            "A part of the upload is no longer there. Create a new upload, and send all parts again."
        ) from None


async def _make_readable(
    service: Services, upload: Upload, chosen: Sequence[UploadPart], others: Sequence[UploadPart]
) -> None:
    try:
        await service.stores.blobs.commit_blocks(upload.blob, _blocks([*chosen, *others]))
    except BlobMissing:  # One of the others was cut off, or refused, while a completion began.
        await service.stores.blobs.commit_blocks(upload.blob, _blocks(chosen))


async def _check_head(service: Services, upload: Upload) -> None:
    length = min(HEAD_BYTES, upload.bytes)  # What is behind the file's own bytes does not count.
    head = b"".join([piece async for piece in service.stores.blobs.read(upload.blob, 0, length)])
    check_batch_head(head, whole=length == upload.bytes)


async def _md5(service: Services, upload: Upload) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    async for piece in service.stores.blobs.read(upload.blob, 0, upload.bytes):
        await asyncio.to_thread(digest.update, piece)
    return digest.hexdigest()


def _blocks(parts: Sequence[UploadPart]) -> list[str]:
    return [block for part in parts for block in part.block_ids()]
