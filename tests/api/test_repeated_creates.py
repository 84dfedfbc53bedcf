"""A create call that an SDK repeats makes one batch (contract 6.5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import openai
import pytest

from shared.domain.batches.batch import Batch, CancelRequested
from shared.domain.batches.creation import KEY_LIFE, RETRY_LIFE, Creation
from shared.domain.errors import Unavailable
from shared.ports.batches import BatchStore
from shared.ports.creations import CreationStore
from shared.run.batches.change import change
from shared.services import Services, use
from tests.api.harness import KEY, Clock, FakeClient
from tests.with_stores import with_stores
from timers.forget_creations import forget_creations

BODY = {"input_file_id": "file-x", "endpoint": "/v1/responses", "completion_window": "24h"}
RETRIES = "x-stainless-retry-count"


async def create(api: httpx.AsyncClient, *, body: Any = None, path: str = "/v1/batches", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.post(path, json=body or BODY, headers=named)


async def attempt(api: httpx.AsyncClient, number: int, **changes: Any) -> str:
    response = await create(api, **changes, x_stainless_retry_count=str(number))
    assert response.status_code in (200, 201), response.text
    return response.json()["id"]


async def count(services: Services) -> int:
    return len(await services.stores.batches.list("default", limit=100))


async def test_a_retry_is_answered_with_the_first_batch(
    api: httpx.AsyncClient, services: Services, durable: FakeClient, clock: Clock
) -> None:
    """One batch, one run, as it is by now."""
    first = await attempt(api, 0)
    clock.advance(seconds=1)
    (batch,) = await services.stores.batches.list("default", limit=2)
    await change(services, batch, CancelRequested())
    again = await create(api, x_stainless_retry_count="1")

    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, first, "cancelling")
    assert (await attempt(api, 2), await count(services), len(durable.started)) == (first, 1, 1)


async def test_deliberate_calls_make_batches_of_their_own(api: httpx.AsyncClient, services: Services) -> None:
    """The same body twice, both first attempts; and curl, which counts nothing."""
    made = {await attempt(api, 0), await attempt(api, 0), (await create(api)).json()["id"]}

    assert (len(made), await count(services)) == (3, 3)


async def test_a_retry_finds_the_newest_of_equal_calls(api: httpx.AsyncClient, clock: Clock) -> None:
    """The one whose answer was lost is most likely the last."""
    await attempt(api, 0)
    clock.advance(seconds=1)
    second = await attempt(api, 0)

    assert await attempt(api, 1) == second


@pytest.mark.parametrize("changes", [{"body": BODY | {"metadata": {"a": "b"}}}, {"path": "/openai/v1/batches"}])
async def test_a_retry_of_another_call(api: httpx.AsyncClient, services: Services, changes: dict[str, Any]) -> None:
    """Another body or another dialect is another call."""
    await attempt(api, 0)
    await attempt(api, 1, **changes)

    assert await count(services) == 2


async def test_a_retry_whose_first_attempt_never_arrived(api: httpx.AsyncClient, services: Services) -> None:
    """It creates, and the next retry finds what it made."""
    first = await attempt(api, 1)

    assert (await attempt(api, 2), await count(services)) == (first, 1)


async def test_a_retry_comes_within_minutes(api: httpx.AsyncClient, clock: Clock) -> None:
    """Later it is a new call."""
    first = await attempt(api, 0)
    clock.advance(seconds=RETRY_LIFE.total_seconds())

    assert await attempt(api, 1) != first


CLIENT_REQUEST = "0a1b2c3d-0000-4000-8000-000000000001"
CLASSIC = "/openai/batches?api-version=2024-10-21"


@pytest.mark.parametrize("path", [CLASSIC, "/openai/v1/batches", "/v1/batches"])
async def test_azures_clients_repeat_under_one_id(
    api: httpx.AsyncClient, services: Services, durable: FakeClient, clock: Clock, path: str
) -> None:
    """`x-ms-client-request-id`: one batch and one run for a call's attempts, at once or minutes apart (contract 9.6)."""
    id = {"x_ms_client_request_id": CLIENT_REQUEST}
    first = await create(api, path=path, **id)
    at_once = await asyncio.gather(*(create(api, path=path, **id) for _ in range(4)))
    clock.advance(seconds=RETRY_LIFE.total_seconds() - 1)
    last = await create(api, path=path, **id)

    assert {answer.json()["id"] for answer in (first, *at_once, last)} == {first.json()["id"]}
    assert (await count(services), len(durable.started)) == (1, 1)


@pytest.mark.parametrize(
    ("seconds", "changes"),
    [
        (RETRY_LIFE.total_seconds(), {}),
        (0, {"x_ms_client_request_id": "another"}),
        (0, {"body": BODY | {"metadata": {"a": "b"}}}),
        (0, {"x_ms_client_request_id": ""}),
    ],
)
async def test_a_new_call_of_azures_clients(
    api: httpx.AsyncClient, services: Services, clock: Clock, seconds: float, changes: dict[str, Any]
) -> None:
    """Later, another id, another body, or no id: another batch."""
    first = await create(api, path=CLASSIC, x_ms_client_request_id=CLIENT_REQUEST)
    clock.advance(seconds=seconds)
    second = await create(api, **({"path": CLASSIC, "x_ms_client_request_id": CLIENT_REQUEST} | changes))

    assert (second.status_code, second.json()["id"] != first.json()["id"], await count(services)) == (200, True, 2)


class FailingInsert:
    """A batch store whose insert fails, before or after it has written."""

    def __init__(self, inner: BatchStore, *, writes: bool) -> None:
        self._inner, self._writes = inner, writes
        self.get = inner.get

    async def insert(self, batch: Batch) -> None:
        if self._writes:
            await self._inner.insert(batch)
        raise Unavailable("The store does not answer.")


@pytest.mark.parametrize("writes", [True, False])
async def test_the_retry_after_a_lost_answer(api: httpx.AsyncClient, services: Services, writes: bool) -> None:
    """503 while the record was or was not written: the SDK's next attempt ends with one batch either way."""
    with use(with_stores(services, batches=FailingInsert(services.stores.batches, writes=writes))):
        failed = await create(api, x_stainless_retry_count="0")
    await attempt(api, 1)

    assert (failed.status_code, await count(services)) == (503, 1)


class SlowCreations:
    """A creation store in which a first attempt hangs before it has written anything."""

    def __init__(self, inner: CreationStore) -> None:
        self._inner = inner
        self.get = inner.get
        self.hangs, self.go_on = asyncio.Event(), asyncio.Event()

    async def put(self, creation: Creation, version: str | None) -> None:
        if creation.retries == 0 and not self.go_on.is_set():
            self.hangs.set()
            await self.go_on.wait()
        await self._inner.put(creation, version)


async def test_a_retry_that_overtakes_its_first_attempt(api: httpx.AsyncClient, services: Services) -> None:
    """The first attempt hung before it had claimed anything: it joins its retry."""
    slow = SlowCreations(services.stores.creations)
    with use(with_stores(services, creations=slow)):
        hung = asyncio.create_task(attempt(api, 0))
        await slow.hangs.wait()
        second = await attempt(api, 1)
        slow.go_on.set()

        assert (await hung, await count(services)) == (second, 1)


@pytest.mark.parametrize("numbers", [(0, 1, 2), (1, 2), (1, 1, 1, 2, 2)])
async def test_attempts_at_once(api: httpx.AsyncClient, services: Services, numbers: tuple[int, ...]) -> None:
    """Whoever comes first, in whatever process: of one call there is one batch. The first attempt begins before them."""
    slow = SlowCreations(services.stores.creations)
    with use(with_stores(services, creations=slow)):
        first = asyncio.create_task(attempt(api, numbers[0]))
        if numbers[0] == 0:
            await slow.hangs.wait()
            slow.go_on.set()
        made = await asyncio.gather(first, *(attempt(api, number) for number in numbers[1:]))

    assert (len(set(made)), await count(services)) == (1, 1)


async def test_one_key_one_batch(api: httpx.AsyncClient, services: Services) -> None:
    """`Idempotency-Key`, an extension: any number of calls at once, and hours later."""
    made = await asyncio.gather(*(create(api, idempotency_key="k1") for _ in range(8)))
    other = await create(api, idempotency_key="k2")

    assert len({response.json()["id"] for response in made}) == 1
    assert other.json()["id"] != made[0].json()["id"]
    assert await count(services) == 2


async def test_a_key_for_another_request(api: httpx.AsyncClient, services: Services) -> None:
    """400: nothing is created, nothing is answered that was not asked for."""
    await create(api, idempotency_key="k")
    response = await create(api, idempotency_key="k", body=BODY | {"metadata": {"a": "b"}})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "idempotency_key_reused")
    assert await count(services) == 1


async def test_a_key_after_a_failure_may_try_again(api: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """The batch is of the time when it was made, not of the first try."""
    with use(with_stores(services, batches=FailingInsert(services.stores.batches, writes=False))):
        await create(api, idempotency_key="k")
    clock.advance(hours=1)
    response = await create(api, idempotency_key="k")

    assert (response.status_code, response.json()["created_at"]) == (200, int(clock.now.timestamp()))
    assert (await create(api, idempotency_key="k")).json()["id"] == response.json()["id"]


async def test_what_is_old_is_forgotten(api: httpx.AsyncClient, services: Services, clock: Clock) -> None:
    """The sweep takes what no call can repeat any more."""
    await create(api, idempotency_key="k1")
    clock.advance(seconds=(KEY_LIFE - timedelta(hours=1)).total_seconds())
    await create(api, idempotency_key="k2")
    clock.advance(hours=1)
    await forget_creations(services)

    assert len([creation async for creation in services.stores.creations.every()]) == 1


async def test_through_the_sdk(api: httpx.AsyncClient, services: Services) -> None:
    """The SDK's own retry after an answer that never arrived."""
    lost = 0

    class Lossy(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal lost
            response = await api._transport.handle_async_request(request)
            if not lost:
                lost += 1
                await response.aread()
                raise httpx.ReadError("The connection was lost.")
            return response

    requests = httpx.AsyncClient(transport=Lossy(), base_url="http://service")
    async with openai.AsyncOpenAI(base_url="http://service/v1", api_key=KEY, http_client=requests) as client:
        batch = await client.batches.create(**BODY)

    assert (lost, await count(services)) == (1, 1)
    assert batch.id == f"batch_{(await services.stores.batches.list('default', limit=1))[0].id}"
