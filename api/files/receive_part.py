"""One part of an upload, from the first byte of its form to the part's record. Used by `add_part`.

Rule of this file: a part whose caller was told 200 is there when its upload is completed. It is recorded once all of
its blocks are staged; then the upload is looked at again, and if anything happened to it meanwhile the part is refused.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from functools import partial

from api.files.block_writer import BlockWriter
from api.files.multipart import read_form
from shared.domain import ids
from shared.domain.errors import InvalidRequest
from shared.domain.files.upload import Upload, UploadPart, block_id, check_takes_part, interrupted
from shared.domain.files.upload_parts import MAX_PART_BYTES, check_room
from shared.domain.parameters import missing
from shared.ports.base import Stored
from shared.services import Services

FIELD = "data"


async def receive_part(
    service: Services,
    stored: Stored[Upload],
    content_type: str | None,
    body: AsyncIterator[bytes],
    most_bytes: int = MAX_PART_BYTES,
) -> UploadPart:
    """The recorded part, of `most_bytes` at most.

    Raises InvalidRequest, WrongState, or Unavailable where sending it again will help.
    """
    upload = stored.value
    check_takes_part(upload, service.now())
    check_room(upload, await service.stores.uploads.list_parts(upload.id))
    part_id = ids.new_id(service.now(), os.urandom(10))
    block_bytes = service.settings.upload_block_bytes
    writer = BlockWriter(service.stores.blobs, upload.blob, block_bytes, partial(block_id, part_id))
    try:
        size = await _stage(content_type, body, writer, most_bytes)
        blocks = await writer.stage_rest()
    finally:
        await writer.settle()
    part = UploadPart(id=part_id, upload_id=upload.id, bytes=size, blocks=blocks, created_at=service.now())
    await service.stores.uploads.put_part(part)
    await _check_untouched(service, stored, part)
    return part


async def _stage(content_type: str | None, body: AsyncIterator[bytes], writer: BlockWriter, most_bytes: int) -> int:
    size = 0
    async for piece in read_form(content_type, body, FIELD):
        if isinstance(piece, bytes):
            size += len(piece)
            if size > most_bytes:
                raise InvalidRequest(
                    f"The part is too large. The limit is {most_bytes} bytes: send it as several parts.",
                    param=FIELD,
                )
            await writer.write(piece)
    if not size:
        raise missing(FIELD)
    return size


async def _check_untouched(service: Services, before: Stored[Upload], part: UploadPart) -> None:
    after = await service.stores.uploads.get(before.value.owner, before.value.id)
    if after and after.version == before.version:
        return
    await service.stores.uploads.delete_part(part)
    if after:
        check_takes_part(after.value, service.now())
    raise interrupted()
