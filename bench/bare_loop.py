"""The yardstick: aiohttp in a loop that reads no file, writes none and decides nothing: what a careful script would do.

`python -m bench.bare_loop --requests 5000 --concurrency 64 --latency-ms 50`
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from bench.programs import Mock

BODY = b'{"model":"mock","messages":[{"role":"user","content":"' + b"When was Microsoft founded? " * 15 + b'"}]}'
HEADERS = {"Content-Type": "application/json"}

Send = Callable[[], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Requests made, and what they took; CPU time over all threads."""

    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds per request."""
        return self.cpu_seconds / self.requests * 1e3


async def drive(send: Send, *, requests: int, concurrency: int, seconds: float = 600.0) -> Figures:
    """Call `send` so many times, so many at once, or until the time is over."""
    left = iter(range(requests))
    done = 0
    started, cpu = time.perf_counter(), time.process_time()

    async def worker() -> None:
        nonlocal done
        for _ in left:
            await send()
            done += 1
            if time.perf_counter() - started > seconds:
                return

    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return Figures(requests=done, seconds=time.perf_counter() - started, cpu_seconds=time.process_time() - cpu)


def run_bare_loop(url: str, requests: int, concurrency: int) -> Figures:
    """aiohttp posting `BODY` to `url`, answers read and dropped, on an event loop like the one activities run on."""

    async def run() -> Figures:
        async with posting(url) as send:
            return await drive(send, requests=requests, concurrency=concurrency)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@asynccontextmanager
async def posting(url: str) -> AsyncIterator[Send]:
    """aiohttp with nothing around it."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def send() -> object:
            async with session.post(url, data=BODY, headers=HEADERS) as response:
                return await response.read()

        yield send


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mock = Mock(Path(folder), "--latency-ms", str(options.latency_ms))
        mock.start()
        try:
            figures = run_bare_loop(f"{mock.url}/v1/chat/completions", options.requests, options.concurrency)
        finally:
            mock.stop()
    print(f"{figures.per_second:,.0f} requests/s, {figures.cpu_ms:.3f} ms CPU a request")


if __name__ == "__main__":
    main()
