"""Validating an input without running it (an extension): what creating this very batch would come to.

The body is that of a create call; nothing stays stored. The pass over the input is the one that batches go through.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from azurefunctions.extensions.http.fastapi import Request, Response

from api.batches.batch_records import new_record
from api.batches.create_call import read_create_call
from api.batches.rendering import render_errors
from api.edge.dialect import Dialect, upload_id
from api.edge.endpoint import Call, json_response
from api.edge.rendered_values import unix_seconds
from shared.domain import ids
from shared.domain.batches import forecast
from shared.domain.batches.batch import Batch, Refused, Validated
from shared.domain.batches.cost import expected_cost
from shared.domain.batches.forecast import Measured
from shared.domain.deployments.deployment import Deployment
from shared.domain.errors import InvalidRequest
from shared.domain.usage.money import shown
from shared.domain.validation.input_scan import Accepted
from shared.run.batches.expectation import measured_before
from shared.run.input.input_pass import StillWanted, scan_input
from shared.services import Services

MOST_SECONDS = 180.0  # Azure's front end gives a call up after 230.


async def validate_batch(request: Request, call: Call) -> Response:
    """200 whatever the verdict: `valid` says it. 4xx is for a body that creates no batch either."""
    asked = await read_create_call(request, call)
    now = call.service.now()

    async def is_waiting() -> bool:
        return not await request.is_disconnected()

    try:
        batch = await new_record(call, await asked.kept(), ids.new_id(now, os.urandom(10)), now)
        verdict = await scan_in_time(call.service, batch, is_waiting)
    finally:
        await asked.drop()
    found = _found(call.dialect, batch, has_file=asked.requests is None and batch.input_url is None)
    if isinstance(verdict, Accepted):
        found |= await _outlook(call, batch, verdict.validated)
    elif verdict:
        found |= {"valid": False, "errors": render_errors(verdict.errors)}
    return json_response(found)


async def scan_in_time(
    service: Services, batch: Batch, is_waiting: StillWanted, most_seconds: float = MOST_SECONDS
) -> Accepted | Refused | None:
    """What the pass over the input finds; None once the caller has left. Raises InvalidRequest if it takes too long."""
    try:
        async with asyncio.timeout(most_seconds):
            return await scan_input(service, batch, is_waiting)
    except TimeoutError:
        raise InvalidRequest(
            f"This input takes longer than {most_seconds:.0f} seconds to validate. Create the batch: its validation "
            "has no such limit, and a batch that fails it costs nothing.",
            code="validation_timeout",
        ) from None


def _found(dialect: Dialect, batch: Batch, *, has_file: bool) -> dict[str, Any]:
    """A valid input of which nothing is known."""
    return {
        "object": "batch.validation",
        "valid": True,
        "errors": None,
        "endpoint": dialect.spell_endpoint(batch.endpoint),
        "input_file_id": upload_id(dialect, batch.input_file_id) if has_file else None,
        "completion_window": batch.completion_window,
        "model": None,
        "requests": None,
        "input_tokens": None,
        "token_method": None,
        "estimated_cost": None,
        "estimated_completion_at": None,
        "fits_completion_window": None,
        "enqueued_tokens": None,
        "enqueued_token_limit": None,
        "fits_enqueued_token_limit": None,
    }


async def _outlook(call: Call, batch: Batch, validated: Validated) -> dict[str, Any]:
    """Size, cost, and end of a good batch that would start now."""
    store, name = call.service.stores.batches, validated.deployment
    deployment = call.service.settings.deployments[name]
    ahead = [other async for other in store.unfinished() if other.deployment == name]
    found = await measured_before(call.service, batch.owner, name)
    lasts = forecast.duration(deployment, validated.total, validated.input_tokens, ahead, found)
    end = None if lasts is None else batch.created_at + lasts
    deadline = batch.deadline()
    return {
        "model": name,
        "requests": validated.total,
        "input_tokens": validated.input_tokens,
        "token_method": validated.token_method,
        "estimated_cost": _cost(deployment, validated, found),
        "estimated_completion_at": unix_seconds(end),
        "fits_completion_window": None if end is None else deadline is None or end <= deadline,
        **_quota(deployment, validated, ahead),
    }


def _cost(deployment: Deployment, validated: Validated, found: Measured | None) -> dict[str, Any] | None:
    price = deployment.price
    if price is None:
        return None
    cost = expected_cost(price, validated.total, validated.input_tokens, found)
    parts = {"input": cost.input, "output": cost.output, "total": cost.total}
    return {"currency": price.currency, **{name: shown(picos) for name, picos in parts.items()}}


def _quota(deployment: Deployment, validated: Validated, ahead: Sequence[Batch]) -> dict[str, int | bool | None]:
    enqueued = sum(other.input_tokens for other in ahead)
    limit = deployment.enqueued_token_limit
    return {
        "enqueued_tokens": enqueued,
        "enqueued_token_limit": limit,
        "fits_enqueued_token_limit": limit is None or enqueued + validated.input_tokens <= limit,
    }
