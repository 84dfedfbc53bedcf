"""The one pass over a batch's input: its bytes through `InputScan`, and the verdict on them.

Batches being validated and callers who only ask come through here, so both hear the same. Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import msgspec

from shared.domain.batches.batch import Batch, BatchError, Refused
from shared.domain.keys.limits import Limits
from shared.domain.keys.model_access import ModelAccess
from shared.domain.validation.input_scan import Accepted, InputScan, ScanRules
from shared.domain.validation.validation_errors import unsupported_window
from shared.run.input.input_source import InputUnreadable, open_input
from shared.run.projects import access_of, find_project, limits_of
from shared.services import Services
from shared.settings import Settings

StillWanted = Callable[[], Awaitable[bool]]


async def scan_input(
    service: Services, batch: Batch, still_wanted: StillWanted, *, copies: bool = False
) -> Accepted | Refused | None:
    """The verdict on the input of `batch`, which need not be stored; None once `still_wanted` says no.

    `still_wanted` is asked after every block. With `copies`, a caller's blob that is good has been copied to
    the blob that the verdict names. Raises Unavailable.
    """
    windows = service.settings.windows()
    if batch.completion_window not in windows:
        return _refused(unsupported_window(batch, windows))
    try:
        source = await open_input(service, batch, copies=copies)
        project = await find_project(service, batch.owner)
        scan = InputScan(scan_rules(service, batch, access_of(project, batch), limits_of(project)), source.size)
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                await asyncio.to_thread(scan.feed, block)  # a large block takes long: the event loop stays free
                if scan.is_over:
                    break
                if not await still_wanted():
                    return None
    except InputUnreadable as unreadable:
        return _refused(unreadable.reason)
    verdict = await asyncio.to_thread(scan.finish)
    if isinstance(verdict, Accepted):
        await source.keep()
        validated = msgspec.structs.replace(verdict.validated, input_etag=source.etag, input_blob=source.copy)
        return replace(verdict, validated=validated)
    return verdict


def scan_rules(service: Services, batch: Batch, access: ModelAccess, limits: Limits) -> ScanRules:
    """What the batch's input is held against."""
    settings = service.settings
    most = settings.max_requests(batch.vendor)
    return ScanRules(
        vendor=batch.vendor,
        endpoint=batch.endpoint,
        deployments=settings.deployments,
        access=access,
        counter_for=service.counter_for,
        max_bytes=_max_bytes(settings, batch),
        max_line_bytes=settings.max_line_bytes,
        max_requests=most if limits.requests_per_file is None else min(most, limits.requests_per_file),
        max_embedding_inputs=settings.max_embedding_inputs,
        max_reported_errors=settings.max_reported_errors,
        chunk_lines=settings.chunk_lines,
        chunk_bytes=settings.chunk_bytes,
        groups=batch.leaders_first is True,
    )


def _max_bytes(settings: Settings, batch: Batch) -> int:
    """A retry may be of an input blob's lines: they were let in before."""
    if batch.input_url is not None or batch.retry_of is not None:
        return max(settings.max_blob_bytes, settings.max_input_bytes(batch.vendor))
    return settings.max_input_bytes(batch.vendor)


def _refused(error: BatchError) -> Refused:
    return Refused(errors=(error,))
