"""What clearing old batches and files costs, and what calls notice: `python -m bench.forgetting [--batches 20000]`.

Azurite holds that many batches that ended long ago, each with its chunk rows, written as the service writes them, and
files that have expired. A local host on it is called meanwhile, twenty reads of one batch and one new batch a second:
first alone, then beside passes of the timer's works, until all is cleared or the time for that is over.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
from azure.data.tables.aio import TableServiceClient

from bench.programs import KEY, Mock, Service, chat_line, jsonl
from bench.report import load, print_table
from shared.azure.connect import azure_stores_from_connection_string
from shared.azure.names import Names, newest_first, table_key
from shared.azure.tables import Table
from shared.domain.batches.batch import Batch, Status
from shared.domain.batches.chunk import ChunkRow
from shared.domain.ids import new_id
from shared.ports.stores import Stores
from shared.services import Services
from shared.settings import Settings
from tests import azurite
from tests.contracts.samples import a_batch, a_file
from timers.expire_files import expire_files
from timers.forget_batches import forget_batches

AT_ONCE: Final = 16
OWNER: Final = "default"
ALONE_SECONDS: Final = 30.0
READS_A_CREATE: Final = 20


def ended(number: int, now: datetime) -> Batch:
    at = now - timedelta(days=400, seconds=number)
    batch_id = new_id(at, number.to_bytes(10, "big"))
    return a_batch(number, owner=OWNER, id=batch_id, created_at=at, status=Status.COMPLETED)


async def at_once(works: Iterable[Callable[[], Awaitable[Any]]]) -> None:
    waiting = iter(works)

    async def work() -> None:
        for one in waiting:
            await one()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def fill(connection: str, options: argparse.Namespace) -> None:
    """Many rows in a call: one at a time would take an hour.

    No two chunks have the same number: Azurite goes through all rows of a number when it writes or deletes one, and
    through all of the table when it looks for a batch's, which is what takes the time where all batches have some.
    """
    async with TableServiceClient.from_connection_string(connection) as client:
        records, rows = Table(client, Names().batches), Table(client, Names().chunks)
        numbers = count()
        made = [ended(number, datetime.now(UTC)) for number in range(options.batches)]

        async def put(batch: Batch) -> None:
            own = [ChunkRow(batch_id=batch.id, index=next(numbers)) for _ in range(options.chunks)]
            keyed = [(table_key(f"{row.index:06d}"), msgspec.json.encode(row)) for row in own]
            await rows.upsert_all(table_key(batch.id), keyed)

        for start in range(0, options.batches, 100):
            some = [(newest_first(batch.id), msgspec.json.encode(batch)) for batch in made[start : start + 100]]
            await records.upsert_all(table_key(OWNER), some)
        await at_once((lambda batch=batch: put(batch)) for batch in made[:: options.every])  # type: ignore[misc]


async def fill_files(stores: Stores, files: int) -> None:
    now = datetime.now(UTC)

    async def put(number: int) -> None:
        file_id = new_id(now - timedelta(days=31, seconds=number), number.to_bytes(10, "big"))
        file = a_file(number, owner=OWNER, id=file_id, blob=f"files/{file_id}", expires_at=now - timedelta(hours=1))
        await stores.blobs.append(file.blob, b"x" * 1000)
        await stores.files.insert(file)

    await at_once((lambda number=number: put(number)) for number in range(files))  # type: ignore[misc]


@dataclass
class Calls:
    """Calls of a service, and how long each took."""

    service: Service
    gets: list[float] = field(default_factory=list)
    creates: list[float] = field(default_factory=list)

    async def go_on(self) -> None:
        """Until it is cancelled."""
        file_id = await asyncio.to_thread(self.service.upload, jsonl(chat_line(1)))
        call = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=self.service.url, headers=headers, timeout=60) as client:
            while True:
                created = await _timed(client.post("/v1/batches", json=call), self.creates)
                for _ in range(READS_A_CREATE):
                    await _timed(client.get(f"/v1/batches/{created.json()['id']}"), self.gets)
                    await asyncio.sleep(1 / READS_A_CREATE)


async def _timed(call: Awaitable[httpx.Response], seconds: list[float]) -> httpx.Response:
    began = time.perf_counter()
    answer = (await call).raise_for_status()
    seconds.append(time.perf_counter() - began)
    return answer


async def called_during(service: Service, work: Awaitable[Any]) -> Calls:
    calls = Calls(service)
    going = asyncio.create_task(calls.go_on())
    await work
    going.cancel()
    with suppress(asyncio.CancelledError):
        await going
    return calls


async def passes(
    service: Services, work: Callable[[Services], Awaitable[None]], is_left: Any, most: float
) -> list[float]:
    """Seconds of each, one after the other without the minutes in between."""
    found = list[float]()
    while sum(found) < most and await is_left():
        began = time.perf_counter()
        await work(service)
        found.append(time.perf_counter() - began)
        print(f"pass {len(found)}: {found[-1]:.1f} s", flush=True)
    return found


async def measure(connection: str, service: Service, options: argparse.Namespace) -> None:
    stores = azure_stores_from_connection_string(connection)
    own = Services(settings=Settings(), stores=stores, upstream=None, webhook_sender=None)  # type: ignore[arg-type]
    began = time.perf_counter()
    await fill(connection, options)
    await fill_files(stores, options.files)
    print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
    old = new_id(datetime.now(UTC) - timedelta(days=300), bytes(10))

    async def batches_left() -> int:
        return len(await stores.batches.list(OWNER, after=old, limit=1))

    async def files_left() -> int:
        return len([file async for file in stores.files.expired(datetime.now(UTC))][:1])

    rows = [("alone", await called_during(service, asyncio.sleep(ALONE_SECONDS)))]
    works = (("batches", forget_batches, batches_left), ("files", expire_files, files_left))
    for name, work, is_left in works:
        found = list[float]()

        async def go(work: Any = work, is_left: Any = is_left, found: list[float] = found) -> None:
            found += await passes(own, work, is_left, options.seconds)

        rows.append((f"while {name} go", await called_during(service, go())))
        print(
            f"{name}: {len(found)} passes, {sum(found):.1f} s, {'some' if await is_left() else 'none'} left", flush=True
        )
    rows.append(("alone again", await called_during(service, asyncio.sleep(ALONE_SECONDS))))
    figures = [(name, *in_ms(calls.gets), *in_ms(calls.creates)) for name, calls in rows]
    heads = ("", "GET median ms", "p95 ms", "create median ms", "p95 ms")
    print_table(f"Calls of the service, load {load()}", heads, figures)
    await stores.close()


def in_ms(seconds: list[float]) -> tuple[float, float]:
    if len(seconds) < 2:
        return (0.0, 0.0)
    return round(1000 * statistics.median(seconds), 1), round(1000 * statistics.quantiles(seconds, n=20)[-1], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=20_000)
    parser.add_argument("--chunks", type=int, default=4, help="chunk rows of a batch")
    parser.add_argument("--every", type=int, default=1, help="of so many batches one has chunk rows")
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=300.0, help="the longest to clear each kind")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        connection = stack.enter_context(azurite.running(folder / "azurite.log"))
        mock = Mock(folder)
        mock.start()
        stack.callback(mock.stop)
        service = Service(folder, mock.url, "--azurite", connection, BATCH_RECORD_DAYS="0")
        service.start()
        stack.callback(service.stop)
        asyncio.run(measure(connection, service, options))


if __name__ == "__main__":
    main()
