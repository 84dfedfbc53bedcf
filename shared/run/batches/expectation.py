"""What is expected of a batch from those that its owner ran before."""

from __future__ import annotations

import msgspec

from shared.domain.batches.batch import Batch, Validated
from shared.domain.batches.cost import at_length, expected_cost
from shared.domain.batches.forecast import Measured, measured
from shared.domain.endpoints import ENDPOINTS
from shared.domain.usage.usage import Usage
from shared.domain.validation.input_scan import Accepted
from shared.services import Services

_RECENT = 100  # Batches of the owner that tell how fast its deployment is, and how long its answers are.


async def measured_before(service: Services, owner: str, deployment: str) -> Measured | None:
    return measured(await service.stores.batches.list(owner, limit=_RECENT), deployment)


async def priced(service: Services, batch: Batch, accepted: Accepted) -> Validated:
    """With the price of today, which the batch keeps, what it is expected to cost, and what is reserved for it.

    As it is without a price. Reserved is by the longest answers that requests allow, as far as they say so.
    """
    validated = accepted.validated
    price = service.settings.deployments[validated.deployment].price
    if price is None:
        return validated
    found = await measured_before(service, batch.owner, validated.deployment)
    expected = expected_cost(price, validated.total, validated.input_tokens, found)
    usage = _most_used(service, batch, accepted, found)
    reserved = at_length(price, validated.total, validated.input_tokens, usage)
    return msgspec.structs.replace(validated, price=price, expected_picos=expected.total, reserved_picos=reserved)


def _most_used(service: Services, batch: Batch, accepted: Accepted, found: Measured | None) -> Usage:
    """Of all requests: those that set no bound get as much as those before them did, or as the service is set."""
    per_answer = found.output_tokens_per_request if found else service.settings.expected_output_tokens
    validated, answers = accepted.validated, accepted.answers
    endpoint = ENDPOINTS[validated.endpoint or batch.endpoint]
    return Usage(
        input_tokens=validated.input_tokens,
        output_tokens=answers.tokens(per_answer),
        images=answers.number if endpoint.makes_images else 0,
    )
