"""What people write when they have no batch service: one script, a bound on concurrency, pacing, retries.

`python plain_script.py INPUT OUTPUT BASE_URL CONCURRENCY`. In the manner of the well-known parallel request processor:
everything in one process, results appended as they come, nothing remembered over a kill. Prints its figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import IO, Any

import aiohttp

ATTEMPTS = 5
REQUESTS_PER_MINUTE = 10_000_000
THROTTLE_PAUSE_SECONDS = 1.0


class Script:
    """Requests from a file, results to a file."""

    def __init__(self, output: IO[str], url: str, session: aiohttp.ClientSession) -> None:
        self._output, self._url, self._session = output, url, session
        self._capacity = REQUESTS_PER_MINUTE / 60
        self._refilled = time.monotonic()
        self._paused_until = 0.0
        self.failed = 0

    async def answer(self, line: dict[str, Any]) -> None:
        result: Any = None
        for attempt in range(ATTEMPTS):
            await self._pace()
            try:
                async with self._session.post(self._url + line["url"], json=line["body"]) as response:
                    result = await response.json()
                    if response.status == 200:
                        break
                    if response.status == 429:
                        self._paused_until = time.monotonic() + THROTTLE_PAUSE_SECONDS
            except (aiohttp.ClientError, TimeoutError) as error:
                result = {"error": str(error)}
            await asyncio.sleep(0.5 * 2**attempt)
        else:
            self.failed += 1
        self._output.write(json.dumps({"custom_id": line["custom_id"], "answer": result}) + "\n")

    async def _pace(self) -> None:
        while True:
            now = time.monotonic()
            rate = REQUESTS_PER_MINUTE / 60
            self._capacity = min(rate, self._capacity + (now - self._refilled) * rate)
            self._refilled = now
            if self._capacity >= 1 and now >= self._paused_until:
                self._capacity -= 1
                return
            await asyncio.sleep(max(0.001, self._paused_until - now))


async def main(source: str, target: str, url: str, concurrency: int) -> None:
    since, cpu = time.perf_counter(), time.process_time()
    connector = aiohttp.TCPConnector(limit=0)
    with Path(source).open() as input, Path(target).open("a") as output:  # noqa: ASYNC230 as such scripts do
        async with aiohttp.ClientSession(connector=connector) as session:
            script = Script(output, url, session)
            lines = (json.loads(line) for line in input)
            count = 0

            async def worker() -> None:
                nonlocal count
                for line in lines:
                    count += 1
                    await script.answer(line)

            await asyncio.gather(*(worker() for _ in range(concurrency)))
    figures = {"seconds": time.perf_counter() - since, "cpu_seconds": time.process_time() - cpu}
    print(json.dumps({**figures, "completed": count - script.failed, "failed": script.failed}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
