"""HTTP clients compared on the hot path's one job: bytes out, bytes in, many at once (docs/adr/0003).

`python -m bench.http_clients --seconds 2 --runs 3 --loop asyncio [--clients aiohttp,httpx]`
Clients that are not installed are left out. `upstream_client` is the product's own, with building the request and
classifying the answer.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.bare_loop import BODY, HEADERS, Figures, Send, drive, posting
from bench.programs import Mock

PATH = "/v1/chat/completions"
LOADS = [(latency, concurrency) for latency in (0, 50) for concurrency in (64, 256)]


@asynccontextmanager
async def _upstream_client(url: str, _concurrency: int) -> AsyncIterator[Send]:
    from shared.domain.deployments.deployment import Deployment
    from shared.domain.upstream.outcome import classify
    from shared.domain.upstream.upstream import build_request
    from shared.upstream.client import UpstreamClient

    client, deployment = UpstreamClient(max_response_bytes=1 << 26), Deployment(name="mock", base_url=url)

    async def send() -> object:
        return classify(await client.send(build_request(deployment, PATH, BODY)), deployment)

    yield send
    await client.close()


def _aiohttp(url: str, _concurrency: int) -> AbstractAsyncContextManager[Send]:
    return posting(url + PATH)


def _httpx_like(library: str, *, widened: bool) -> Callable[[str, int], AbstractAsyncContextManager[Send]]:
    @asynccontextmanager
    async def client(url: str, concurrency: int) -> AsyncIterator[Send]:
        httpx: Any = importlib.import_module(library)
        limits = {"max_connections": concurrency, "max_keepalive_connections": concurrency}
        options = {"limits": httpx.Limits(**limits)} if widened else {}
        async with httpx.AsyncClient(timeout=60.0, **options) as session:

            async def send() -> object:
                return (await session.post(url + PATH, content=BODY, headers=HEADERS)).content

            yield send

    return client


@asynccontextmanager
async def _pyreqwest(url: str, _concurrency: int) -> AsyncIterator[Send]:
    from pyreqwest.client import ClientBuilder  # type: ignore[import-not-found]

    async with ClientBuilder().build() as session:

        async def send() -> object:
            response = await session.post(url + PATH).headers(HEADERS).body_bytes(BODY).build().send()
            return await response.bytes()

        yield send


CLIENTS = {
    "aiohttp": ("aiohttp", _aiohttp),
    "upstream_client": ("azure.core", _upstream_client),
    "pyreqwest": ("pyreqwest", _pyreqwest),
    "httpx2": ("httpx2", _httpx_like("httpx2", widened=False)),
    "httpx2-widened": ("httpx2", _httpx_like("httpx2", widened=True)),
    "httpx": ("httpx", _httpx_like("httpx", widened=False)),
    "httpx-widened": ("httpx", _httpx_like("httpx", widened=True)),
}


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


async def _measure(name: str, url: str, concurrency: int, seconds: float) -> Figures:
    async with CLIENTS[name][1](url, concurrency) as send:
        await drive(send, requests=2 * concurrency, concurrency=concurrency, seconds=seconds)  # warm connections
        return await drive(send, requests=1_000_000, concurrency=concurrency, seconds=seconds)


def _run(loop: str, name: str, url: str, concurrency: int, seconds: float) -> Figures:
    import uvloop

    run: Any = uvloop.run if loop == "uvloop" else asyncio.run
    figures: Figures = run(_measure(name, url, concurrency, seconds))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", default=",".join(CLIENTS))
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    options = parser.parse_args()
    names = [name for name in options.clients.split(",") if _installed(CLIENTS[name][0])]
    print("median of", options.runs, "runs on", options.loop, "- requests/s / CPU us a request")
    for latency, concurrency in LOADS:
        with tempfile.TemporaryDirectory() as folder:
            mock = Mock(Path(folder), "--latency-ms", str(latency))
            mock.start()
            try:
                for name in names:
                    runs = [
                        _run(options.loop, name, mock.url, concurrency, options.seconds) for _ in range(options.runs)
                    ]
                    rate = statistics.median(one.per_second for one in runs)
                    cpu = statistics.median(one.cpu_ms for one in runs) * 1000
                    print(
                        f"{latency:>3} ms, {concurrency:>3} at once  {name:<16} {rate:>8,.0f} / {cpu:,.0f}", flush=True
                    )
            finally:
                mock.stop()


if __name__ == "__main__":
    main()
