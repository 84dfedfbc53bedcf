"""Results into a caller's own folder: both result blobs, copied there under the names of contract 2.5."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing

from shared.domain.batches.batch import Batch, BatchError
from shared.domain.batches.chunk import result_blob
from shared.domain.errors import Unavailable
from shared.domain.files.blob_address import is_within, result_address
from shared.domain.validation.validation_errors import folder_unwritable
from shared.ports.base import AccessDenied, BlobMissing
from shared.services import Services

log = logging.getLogger(__name__)


async def deliver_results(service: Services, batch: Batch, folder: str, kinds: Collection[str]) -> BatchError | None:
    """Why the folder cannot be written to, or None. May be repeated. Raises Unavailable."""
    if not is_within(folder, service.settings.blob_origins(batch.owner)):
        return folder_unwritable(folder)
    try:
        for kind in kinds:
            async with aclosing(_results(service, result_blob(batch.id, kind))) as pieces:
                await service.stores.caller_blobs.write(result_address(folder, batch.id, kind), pieces)
    except (BlobMissing, AccessDenied):
        log.warning(
            "Results could not be written to their folder; they stay as files.",
            exc_info=True,
            extra={"action": "results_undelivered", "batch_id": batch.id},
        )
        return folder_unwritable(folder)
    return None


async def _results(service: Services, name: str) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in service.stores.blobs.read(name):
            yield piece
    except BlobMissing:  # Another call of this activity is through: a repetition will find the record final.
        raise Unavailable("The results were delivered by another call.") from None
