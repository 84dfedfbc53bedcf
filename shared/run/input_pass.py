"""The one pass over a batch's input: its bytes through `InputScan`, and the verdict on them.

Batches being validated and callers who only ask come through here, so both hear the same. Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from shared.domain.batch import Batch, BatchError, Refused
from shared.domain.input_scan import Accepted, InputScan, ScanRules
from shared.domain.tokens import EstimatedTokens
from shared.domain.validation_errors import file_not_found, unsupported_window
from shared.ports import BlobMissing
from shared.services import Services
from shared.settings import Settings

StillWanted = Callable[[], Awaitable[bool]]


async def scan_input(service: Services, batch: Batch, still_wanted: StillWanted) -> Accepted | Refused | None:
    """The verdict on the input of `batch`, which need not be stored; None once `still_wanted` says no.

    `still_wanted` is asked after every block. Raises Unavailable.
    """
    windows = service.settings.windows()
    if batch.completion_window not in windows:
        return _refused(unsupported_window(batch, windows))
    file = await service.files.get(batch.owner, batch.input_file_id)
    if file is None or file.is_expired(service.now()) or file.purpose != "batch" or not batch.input_blob:
        return _refused(file_not_found(batch))
    scan = InputScan(scan_rules(service.settings, batch))
    try:
        async for block in service.blobs.read(batch.input_blob):
            await asyncio.to_thread(scan.feed, block)  # a large block takes long: the event loop stays free
            if scan.is_over:
                break
            if not await still_wanted():
                return None
    except BlobMissing:
        return _refused(file_not_found(batch))
    return await asyncio.to_thread(scan.finish)


def scan_rules(settings: Settings, batch: Batch) -> ScanRules:
    """What the batch's input is held against."""
    return ScanRules(
        vendor=batch.vendor,
        endpoint=batch.endpoint,
        deployments=settings.deployments,
        counter=EstimatedTokens(),
        max_bytes=settings.max_input_bytes(batch.vendor),
        max_line_bytes=settings.max_line_bytes,
        max_requests=settings.max_requests(batch.vendor),
        max_embedding_inputs=settings.max_embedding_inputs,
        max_reported_errors=settings.max_reported_errors,
        chunk_lines=settings.chunk_lines,
        chunk_bytes=settings.chunk_bytes,
    )


def _refused(error: BatchError) -> Refused:
    return Refused(errors=(error,))
