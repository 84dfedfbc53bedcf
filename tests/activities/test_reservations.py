"""What is reserved for a batch when its file has passed validation."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from shared.domain.batches.batch import Batch, Status
from shared.domain.deployments.price import Price, Rates
from shared.domain.usage.usage import Usage
from shared.services import Services, use
from tests.activities.conftest import with_settings
from tests.activities.test_validate_input import GOOD, line, put, record, run
from tests.contracts.samples import START, a_batch

LINES = 5
PRICE = Price(rates=Rates(input=1, output=1000))  # So the thousands are output tokens, and the rest input tokens.


def priced(services: Services, **settings: Any) -> Services:
    deployments = {
        name: msgspec.structs.replace(one, price=PRICE) for name, one in services.settings.deployments.items()
    }
    return replace(services, settings=replace(services.settings, deployments=deployments, **settings))


async def reserved(service: Services, data: bytes = GOOD) -> Batch:
    with use(service):
        batch = await put(service, data)
        await run(batch)
        return await record(service, batch)


def of_output(batch: Batch) -> int:
    """Output tokens; its input tokens are reserved to the token."""
    assert batch.reserved_picos is not None
    assert batch.reserved_picos % 1000 == batch.input_tokens > 0
    return batch.reserved_picos // 1000


async def test_nothing_known_is_as_the_service_is_set(service: Services) -> None:
    """What callers are shown as the expected cost stays unknown."""
    batch = await reserved(priced(service, expected_output_tokens=70))

    assert of_output(batch) == LINES * 70
    assert batch.expected_picos is None


async def test_what_requests_allow_goes_first(service: Services) -> None:
    """Each by its own word."""
    data = line(1, max_tokens=100) + line(2, max_completion_tokens=10, n=3) + line(3)

    assert of_output(await reserved(priced(service, expected_output_tokens=7), data)) == 100 + 30 + 7


async def test_answers_before_tell_how_long_the_next_are(service: Services) -> None:
    """For requests that set no bound."""
    times = {"in_progress_at": START, "finalizing_at": START + timedelta(hours=1)}
    usage = Usage(output_tokens=40)
    ran = a_batch(2, status=Status.COMPLETED, deployment="small", total=2, completed=2, usage=usage, **times)
    await service.stores.batches.insert(ran)
    batch = await reserved(priced(service), GOOD + line(9, max_tokens=300))

    assert of_output(batch) == LINES * 20 + 300
    assert batch.expected_picos == batch.input_tokens + (LINES + 1) * 20_000


async def test_without_a_price_nothing_is_reserved(service: Services) -> None:
    """Nobody pays."""
    assert (await reserved(with_settings(service))).reserved_picos is None
