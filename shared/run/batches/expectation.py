"""What is expected of a batch from those that its owner ran before."""

from __future__ import annotations

import msgspec

from shared.domain.batches.batch import Batch, Validated
from shared.domain.batches.cost import expected_cost
from shared.domain.batches.forecast import Measured, measured
from shared.services import Services

_RECENT = 100  # Batches of the owner that tell how fast its deployment is, and how long its answers are.


async def measured_before(service: Services, owner: str, deployment: str) -> Measured | None:
    return measured(await service.stores.batches.list(owner, limit=_RECENT), deployment)


async def priced(service: Services, batch: Batch, validated: Validated) -> Validated:
    """With the price of today, which the batch keeps, and what it is expected to cost; as it is without a price."""
    price = service.settings.deployments[validated.deployment].price
    if price is None:
        return validated
    found = await measured_before(service, batch.owner, validated.deployment)
    expected = expected_cost(price, validated.total, validated.input_tokens, found)
    return msgspec.structs.replace(validated, price=price, expected_picos=expected.total)
