"""Erasing an ended batch: all that is left of it are numbers, in the ledger and the accounts of spending.

Deleting is `forget`; what goes beyond that here would go by itself, within days: what a crash left of its run, the
name of its upload, digests of its create calls, notes of whom its end was told.
"""

from __future__ import annotations

from shared.domain.batches.batch import Batch
from shared.domain.batches.chunk import result_blob
from shared.domain.files.file import FILES_PREFIX
from shared.run.batches.change import noted
from shared.run.batches.forget import check_is_over, forget_batch
from shared.run.batches.remains import remove_remains
from shared.services import Services


async def erase_batch(service: Services, batch: Batch) -> None:
    """After its files. The record goes last: a call that was cut off can be repeated. Raises WrongState."""
    check_is_over(batch)
    await remove_remains(service, batch)
    for kind in ("output", "error"):  # Blocks that were staged for a file that never came.
        await service.stores.blobs.delete(result_blob(batch.id, kind))
    for note in await noted(service, batch):
        await service.stores.deliveries.delete(note.value)
    upload_id = batch.input_blob.removeprefix(FILES_PREFIX)  # Of an input in parts, whose bytes are named so.
    upload = await service.stores.uploads.get(batch.owner, upload_id) if upload_id else None
    if upload is not None:
        await service.stores.uploads.delete(upload.value)
    await _forget_creations(service, {batch.id, batch.input_file_id, upload_id})
    await forget_batch(service, batch)


async def _forget_creations(service: Services, made: set[str]) -> None:
    """Cost grows with the create calls of the last day."""
    async for creation in service.stores.creations.every():
        if creation.object_id in made:
            await service.stores.creations.delete(creation.name)
