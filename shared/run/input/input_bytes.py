"""How long the bytes of a file live: as long as its record, or a batch that is still reading them.

Deleting an input file is allowed at any time (contract 1.5.3). A batch that is past validation goes on all the same,
so its bytes stay until it ends; `drop_orphaned_input` removes them then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from shared.domain.batches.batch import Batch
from shared.domain.files.file import File
from shared.run.do_all import do_all
from shared.services import Services

AT_ONCE: Final = 2  # Few, so that calls find room in between.


async def drop_files(service: Services, files: Sequence[File]) -> None:
    """`drop_file` for many which no new batch can take any more: what batches read is looked up once for all."""
    read = {batch.input_blob async for batch in service.stores.batches.unfinished()}
    works = (partial(_drop, service, file, is_read=file.blob in read) for file in files)
    await do_all(works, at_once=AT_ONCE)


async def drop_file(service: Services, file: File) -> None:
    """Remove the file: its record now, its bytes as soon as no unfinished batch reads them. May be repeated."""
    await _drop(service, file, is_read=await _is_read(service, file.blob))


async def _drop(service: Services, file: File, *, is_read: bool) -> None:
    if not is_read:  # Before the record, so that a call that was cut off can be repeated and leaves nothing.
        await service.stores.blobs.delete(file.blob)
    await service.stores.files.delete(file.owner, file.id)
    if is_read and not await _is_read(service, file.blob):  # The batch ended in between, while the record was there.
        await service.stores.blobs.delete(file.blob)


async def drop_orphaned_input(service: Services, batch: Batch) -> None:
    """At the end of `batch`, once its record is final: remove input bytes whose file record went before it."""
    if not batch.input_blob or batch.input_url is not None:  # A caller's blob: the copy belongs to the batch alone.
        return
    if await service.stores.files.get(batch.owner, batch.input_file_id) is not None:
        return
    if not await _is_read(service, batch.input_blob):
        await service.stores.blobs.delete(batch.input_blob)


async def _is_read(service: Services, blob: str) -> bool:
    async for batch in service.stores.batches.unfinished():
        if batch.input_blob == blob:
            return True
    return False
