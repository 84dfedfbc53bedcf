import asyncio
import json

import aiohttp
import pytest

from bench.mock_behaviour import Behaviour
from bench.mock_upstream import running
from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.endpoints import ENDPOINTS
from shared.domain.upstream.outcome import classify
from shared.domain.upstream.upstream import (
    Failed,
    FailureKind,
    Outcome,
    Retry,
    Succeeded,
    UpstreamFailure,
    build_request,
)
from shared.upstream.client import UpstreamClient

CHAT = "/v1/chat/completions"


@pytest.fixture
async def client():
    client = UpstreamClient(max_response_bytes=100_000)
    yield client
    await client.close()


def chat(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


async def ask(client: UpstreamClient, url: str, text: str, seconds: float = 5.0) -> Outcome:
    deployment = Deployment(name="m", base_url=url, request_timeout_seconds=seconds)
    return classify(await client.send(build_request(deployment, CHAT, chat(text))), deployment)


async def stats(url: str) -> dict:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/__stats") as response:
        return await response.json()


async def test_echo(client):
    """The answer repeats the prompt and counts tokens, so that a mixed-up answer shows."""
    async with running() as (url, _):
        outcome = await ask(client, url, "What is Altair Basic?")

    assert isinstance(outcome, Succeeded)
    assert json.loads(outcome.body)["choices"][0]["message"]["content"] == "echo: What is Altair Basic?"
    assert outcome.usage.input_tokens > 0
    assert outcome.usage.cached_tokens > 0
    assert outcome.usage.output_tokens > 0
    assert outcome.usage.reasoning_tokens > 0
    assert outcome.request_id is not None


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("kind", ["plain", "v1", "azure-classic", "azure-v1"])
async def test_every_endpoint_on_every_path(client, endpoint, kind):
    """Each endpoint answers on OpenAI's and Azure's paths with the words that were sent."""
    body = {
        CHAT: {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]},
        "/v1/completions": {"prompt": "hello"},
    }.get(endpoint, {"input": "hello"})
    async with running() as (url, upstream):
        deployment = {
            "plain": Deployment(name="m", base_url=url),
            "v1": Deployment(name="m", base_url=f"{url}/v1"),
            "azure-classic": Deployment(
                name="m", base_url=url, kind=UpstreamKind.AZURE, api_key="k", api_version="2024-10-21"
            ),
            "azure-v1": Deployment(name="m", base_url=url, kind=UpstreamKind.AZURE, api_key="k"),
        }[kind]
        request = build_request(deployment, endpoint, json.dumps({"model": "m", **body}).encode())
        outcome = classify(await client.send(request), deployment)

    assert isinstance(outcome, Succeeded)
    assert "hello" in outcome.body.decode() or endpoint == "/v1/embeddings"
    assert outcome.model == "m"
    assert upstream.stats.summary()["prompts_answered"] == 1


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ("[[status=400]]", 400),
        ("[[status=500]]", "status_500"),
        ("[[status=429]]", "status_429"),
        ("[[reset]]", "connection"),
        ("[[hang]]", "timeout"),
        ("[[html]]", "invalid_answer"),
        ("[[half]]", "connection"),
    ],
)
async def test_orders(client, order, outcome):
    """Each order in a prompt spoils its own request in its own way."""
    async with running() as (url, _):
        result = await ask(client, url, f"hello {order}", seconds=0.3 if order == "[[hang]]" else 5.0)

    assert outcome == (result.status if isinstance(result, Failed) else result.reason)


async def test_fail_first(client):
    """`fail_first=2:429` throttles the first two requests of that prompt, with Retry-After, and answers the third."""
    async with running(Behaviour(retry_after_seconds=0.25)) as (url, _):
        results = [await ask(client, url, "hello [[fail_first=2:429]]") for _ in range(3)]
        other = await ask(client, url, "another [[fail_first=1:reset]]")

    assert [type(result) for result in results] == [Retry, Retry, Succeeded]
    assert results[0].after_seconds == 0.25
    assert results[0].throttled
    assert other.reason == "connection"


async def test_latency_is_concurrent(client):
    """Requests wait for their latency side by side, not in a row."""
    started = asyncio.get_running_loop().time()
    async with running(Behaviour(latency_ms=100)) as (url, upstream):
        await asyncio.gather(*(ask(client, url, f"q{n} [[latency=200]]") for n in range(20)))
    took = asyncio.get_running_loop().time() - started

    assert 0.2 <= took < 2.0
    assert upstream.stats.peak_in_flight == 20


async def test_stats(client):
    """The counts tell repeated prompts from distinct ones, and start again at a reset."""
    async with running() as (url, _):
        for text in ["a", "b", "b", "b", "c [[status=400]]"]:
            await ask(client, url, text)
        counted = await stats(url)
        async with aiohttp.ClientSession() as session:
            await session.post(f"{url}/__reset")
        fresh = await stats(url)

    expected = {
        "requests": 5,
        "connections": 2,
        "in_flight": 0,
        "peak_in_flight": 1,
        "distinct_prompts": 3,
        "prompts_answered": 2,
        "prompts_answered_again": 1,
        "extra_answers": 2,
        "answers": {"200": 4, "400": 1},
    }
    assert expected == {name: counted[name] for name in expected}
    assert fresh["requests"] == 0


async def test_dice_are_seeded(client):
    """The same seed spoils the same requests; the shares are about what was asked for."""

    async def roll(seed: int) -> list[str]:
        async with running(Behaviour(throttle=0.2, error=0.2, html=0.1, seed=seed)) as (url, _):
            results = [await ask(client, url, f"q{n}") for n in range(100)]
        return [result.reason if isinstance(result, Retry) else "ok" for result in results]

    first, again, other = await roll(1), await roll(1), await roll(2)

    assert first == again != other
    assert 30 <= first.count("ok") <= 70
    assert {"ok", "status_429", "status_500", "invalid_answer"} == set(first)


async def test_split_request(client):
    """A request that arrives byte by byte is answered once it is whole."""
    async with running() as (url, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        body = chat("hello")
        for byte in b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body:
            writer.write(bytes([byte]))
            await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_unknown_path(client):
    """A path nobody serves is a 404 with a JSON error."""
    async with running() as (url, _):
        result = await ask(client, f"{url}/elsewhere", "hello")

    assert isinstance(result, Failed)
    assert result.status == 404


async def test_client_sees_the_mock_vanish(client):
    """Requests in flight when the upstream stops end as connection failures."""
    async with running() as (url, _):
        deployment = Deployment(name="m", base_url=url)
        call = asyncio.create_task(client.send(build_request(deployment, CHAT, chat("[[hang]]"))))
        while (await stats(url))["in_flight"] == 0:
            await asyncio.sleep(0.01)
    result = await call

    assert isinstance(result, UpstreamFailure)
    assert result.kind is FailureKind.CONNECTION
