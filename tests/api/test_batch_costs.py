"""`cost` beside `usage`: where it is shown, and what of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from activities.validate_input import validate_input
from shared.domain.batches.batch import Batch, Finished, RequestsDone, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.deployments.deployment import Deployment
from shared.domain.deployments.price_setting import read_price
from shared.domain.usage.usage import Usage
from shared.run.batches.change import change
from shared.services import Services, use
from tests.api.harness import Clock
from tests.api.test_batch_validation import line
from tests.contracts.samples import a_batch

Send = Callable[..., Awaitable[httpx.Response]]
CLASSIC = "/openai/batches?api-version=2024-10-21"
PRICE, _ = read_price({"input": 2.0, "cached_input": 0.5, "output": 10.0, "currency": "eur"})


def with_price(services: Services, price: Any) -> Services:
    deployments = {"m": Deployment(name="m", base_url="http://upstream", price=price)}
    return replace(services, settings=replace(services.settings, deployments=deployments))


@pytest.fixture
async def priced(services: Services) -> AsyncIterator[Services]:
    """The deployment `m`: a token of input costs 2, from a cache 0.5, of output 10 millionths of a euro."""
    with use(with_price(services, PRICE)) as changed:
        yield changed


@pytest.fixture
def validated(upload: Send, create: Send, services: Services) -> Callable[..., Awaitable[Batch]]:
    """A batch of two lines of 97 tokens that has been validated, through `path`."""

    async def make(path: str = "/v1/batches") -> Batch:
        file_id = (await upload(line(1) + line(2))).json()["id"]
        assert (await create(path, input_file_id=file_id)).is_success
        batch = await newest(services)
        await validate_input({"owner": batch.owner, "batch_id": batch.id})
        return await newest(services)

    return make


Make = Callable[..., Awaitable[Batch]]


async def newest(services: Services) -> Batch:
    return (await services.stores.batches.list("default", limit=1))[0]


async def finish(services: Services, batch: Batch, usage: Usage) -> None:
    done = await change(services, batch, RequestsDone())
    ended = {"model": None, "output_file_id": None, "error_file_id": None}
    await change(services, done, Finished(completed=2, failed=0, usage=usage, **ended))


async def test_from_validation_to_the_end(
    priced: Services, create: Send, api: httpx.AsyncClient, validated: Make, clock: Clock
) -> None:
    """Nothing before; expected, then of what has finished, alone and in lists; then what it was."""
    made = (await create()).json()
    clock.advance(seconds=90 * 86_400)  # Past what samples are of.
    old = Usage(output_tokens=500)
    times = {"in_progress_at": priced.now(), "finalizing_at": priced.now().replace(year=2099)}
    ran = {"status": Status.COMPLETED, "deployment": "m", "total": 10, "completed": 10, "usage": old, **times}
    await priced.stores.batches.insert(a_batch(0, owner="default", **ran))
    batch = await validated()

    async def costs() -> list[Any]:
        """As retrieved, and as listed."""
        (listed, *_) = (await api.get("/v1/batches")).json()["data"]
        alone = (await api.get(f"/v1/batches/{listed['id']}")).json()
        assert listed["cost"] == alone["cost"]
        return [alone["cost"][key] for key in ("currency", "estimated", "actual")]

    assert "cost" not in made
    assert await costs() == ["EUR", 194 * 2e-6 + 2 * 50 * 10e-6, 0]
    usage = Usage(input_tokens=90, cached_tokens=40, output_tokens=7)
    await priced.stores.chunks.put(ChunkRow(batch_id=batch.id, index=0, completed=1, usage=usage), None)
    assert await costs() == ["EUR", 0.00038, 0.00019]
    await finish(priced, batch, usage + usage)
    assert await costs() == ["EUR", None, 0.00038]


async def test_what_was_never_measured_is_unknown(priced: Services, api: httpx.AsyncClient, validated: Make) -> None:
    """How long its answers will be."""
    await validated()
    assert (await api.get("/v1/batches")).json()["data"][0]["cost"] == {
        "currency": "EUR",
        "estimated": None,
        "actual": 0,
    }


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/openai/batches", "/openai/v1/batches"])
async def test_in_every_dialect_that_may_show_more(
    priced: Services, api: httpx.AsyncClient, validated: Make, path: str
) -> None:
    """As a number, like OpenAI's costs."""
    await finish(priced, await validated(path), Usage(output_tokens=1))
    (batch,) = (await api.get(path)).json()["data"]
    assert batch["cost"] == {"currency": "EUR", "estimated": None, "actual": 0.00001}


async def test_not_where_a_version_documents_its_keys(
    priced: Services, api: httpx.AsyncClient, validated: Make
) -> None:
    """Contract 9.6: a client reads its batch with a reader that takes no other."""
    await validated(CLASSIC)
    assert "cost" not in (await api.get(CLASSIC)).json()["data"][0]


async def test_a_price_that_changes_is_the_next_batches(
    priced: Services, api: httpx.AsyncClient, validated: Make
) -> None:
    """What has been validated keeps its price."""
    batch = await validated()
    dearer, _ = read_price({"output": 99})
    with use(with_price(priced, dearer)) as changed:
        await finish(changed, batch, Usage(output_tokens=1))
        (shown,) = (await api.get("/v1/batches")).json()["data"]
    assert shown["cost"] == {"currency": "EUR", "estimated": None, "actual": 0.00001}


async def test_without_a_price_nothing_is_said(services: Services, api: httpx.AsyncClient, validated: Make) -> None:
    """Not zero: it may cost a lot."""
    with use(with_price(services, None)):
        await validated()
        assert "cost" not in (await api.get("/v1/batches")).json()["data"][0]


async def test_what_a_cache_gave_and_saved(priced: Services, api: httpx.AsyncClient, validated: Make) -> None:
    """Beside the usage that tells of it: its share of the input, and the price of the same tokens without it."""
    batch = await validated()
    assert "cache" not in (await api.get("/v1/batches")).json()["data"][0]
    usage = Usage(input_tokens=90, cached_tokens=40, output_tokens=7)
    await priced.stores.chunks.put(ChunkRow(batch_id=batch.id, index=0, completed=1, usage=usage), None)
    listed = (await api.get("/v1/batches")).json()["data"][0]
    assert listed["usage"]["input_tokens_details"] == {"cached_tokens": 40}
    assert listed["cache"] == {"share": 0.444, "written_tokens": 0, "saved": 40 * 1.5e-6}


async def test_a_cache_without_a_price(services: Services, api: httpx.AsyncClient, validated: Make) -> None:
    """What nobody has priced has saved nobody knows what."""
    with use(with_price(services, None)) as changed:
        await finish(changed, await validated(), Usage(input_tokens=90, cache_write_tokens=40))
        assert (await api.get("/v1/batches")).json()["data"][0]["cache"] == {"share": 0, "written_tokens": 40}
