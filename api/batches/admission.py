"""Whether a batch may be created: what the project may have, and Azure's look at the quota (contract 3.4).

Rule of this file: at the quota, other dialects do not look. What is looked at is the beginning of the file
(`expected_load`) beside what is enqueued now; the run decides again, on what validation has counted. Where the limit is
near, that beginning is counted as validation counts it: an estimate of ours refuses nobody.
"""

from __future__ import annotations

import asyncio

import msgspec

from api.edge.endpoint import Call
from shared.domain.batches.batch import Batch
from shared.domain.batches.quota import QuotaMode, enqueued_tokens, token_limit_exceeded
from shared.domain.errors import InvalidRequest, OverLimit, Unavailable
from shared.domain.usage.expected_load import HEAD_BYTES, ExpectedLoad, expect_load
from shared.domain.usage.tokens import BYTES_PER_TOKEN, EstimatedTokens, TokenCounter
from shared.ports.base import BlobMissing
from shared.run.usage.spending import check_limits


async def check_may_begin(call: Call) -> None:
    """Whether the caller's project and key may begin anything at this moment. Raises OverLimit.

    Calls at the same moment may pass together.
    """
    await check_limits(call.service, call.caller)
    most = call.caller.limits.active_batches
    if most is None:
        return
    unfinished = call.service.stores.batches.unfinished()
    active = sum([batch.owner == call.caller.owner async for batch in unfinished])
    if active >= most:
        raise OverLimit(
            f"The project has {active} batches that have not ended, and may have {most}. Wait for one to end, or "
            "cancel one, and try again.",
            code="active_batches_exceeded",
        )


async def look_ahead(call: Call, batch: Batch) -> Batch:
    """`batch` with the load expected of it where its dialect looks at the quota; elsewhere as it is.

    Raises InvalidRequest if it does not fit.
    """
    head = await _read_head(call, batch) if call.dialect.looks_ahead else None
    expected = _expected(call, head, EstimatedTokens()) if head else None
    if head is None or expected is None:
        return batch
    deployment = call.service.settings.deployments[expected.deployment]
    limit = deployment.enqueued_token_limit
    if limit is not None and call.service.settings.quota_mode is QuotaMode.REFUSE_CREATE:
        enqueued = await _enqueued(call, expected)
        if enqueued + expected.input_tokens * BYTES_PER_TOKEN > limit:  # No token is less than a byte.
            # Texts of up to 256 KiB, a vocabulary if it is the first time: not on the event loop.
            expected = await asyncio.to_thread(_expected, call, head, call.service.counter_for(deployment)) or expected
        if enqueued + expected.input_tokens > limit:
            weighed = msgspec.structs.replace(batch, **msgspec.structs.asdict(expected))
            error = token_limit_exceeded(weighed, limit, enqueued)
            raise InvalidRequest(error.message, code=error.code)
    return msgspec.structs.replace(batch, expected=expected)


async def token_headers(call: Call, batch: Batch) -> dict[str, str]:
    """What is enqueued at the deployment with this batch, and how much may be; nothing where nothing is known."""
    if batch.expected is None or not call.dialect.shows_enqueued_tokens:
        return {}
    try:
        headers = {"deployment-enqueued-tokens": str(await _enqueued(call, batch.expected))}
    except Unavailable:  # The batch exists: an error would make the caller create a second one.
        return {}
    limit = _limit(call, batch.expected)
    return headers if limit is None else headers | {"deployment-maximum-enqueued-tokens": str(limit)}


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first bytes of an input file, of `size` bytes in all."""

    data: bytes
    size: int


async def _read_head(call: Call, batch: Batch) -> _Head | None:
    if not batch.input_blob:
        return None
    head = bytearray()
    try:
        size = await call.service.stores.blobs.size(batch.input_blob)
        async for piece in call.service.stores.blobs.read(batch.input_blob, 0, HEAD_BYTES):
            head += piece
    except BlobMissing:  # Found out in validation, as everything about the file.
        return None
    return _Head(data=bytes(head), size=size)


def _expected(call: Call, head: _Head, counter: TokenCounter) -> ExpectedLoad | None:
    """None if the beginning of the file names no deployment of ours that the caller may use."""
    expected = expect_load(head.data, head.size, counter)
    if expected is None or expected.deployment not in call.service.settings.deployments:
        return None
    return expected if call.caller.access.allows(expected.deployment) else None


def _limit(call: Call, expected: ExpectedLoad) -> int | None:
    deployment = call.service.settings.deployments.get(expected.deployment)
    return deployment.enqueued_token_limit if deployment else None


async def _enqueued(call: Call, expected: ExpectedLoad) -> int:
    unfinished = [batch async for batch in call.service.stores.batches.unfinished()]
    return enqueued_tokens(unfinished, expected.deployment)
