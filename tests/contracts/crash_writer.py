"""`python -m tests.contracts.crash_writer DATA`: writes to the local stores in a loop until it is killed.

Every write that returned is told on standard output as `KIND NUMBER`; numbers of a kind go up by one and go on where
the last writer was stopped.
"""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from local_host.stores.stores import open_stores
from shared.domain.batches.chunk import ChunkRow
from shared.ports.stores import Stores
from tests.contracts.samples import a_batch

JOURNAL = "journals/b/000000"
PLAN = "plans/b"


def content(number: int) -> bytes:
    """Recognisable bytes, a few kilobytes, of a length that differs from number to number."""
    return f"{number:06d}".encode() * (500 + number % 300)


def entry(number: int) -> bytes:
    return content(number) + b"\n"


def upload_name(number: int) -> str:
    return f"files/{number}"


def told(kind: str, number: int) -> None:
    os.write(1, f"{kind} {number}\n".encode())


async def append_forever(stores: Stores, number: int) -> None:
    while True:
        await stores.blobs.append(JOURNAL, entry(number))
        told("append", number)
        number += 1


async def upload_forever(stores: Stores, number: int) -> None:
    while True:
        for block in range(3):
            await stores.blobs.stage_block(upload_name(number), str(block), content(number + block))
        await stores.blobs.commit_blocks(upload_name(number), ["0", "1", "2"])
        told("upload", number)
        number += 1


async def put_forever(stores: Stores, number: int) -> None:
    while True:
        await stores.blobs.put(PLAN, content(number))
        told("put", number)
        number += 1


async def count_forever(stores: Stores, number: int) -> None:
    stored = await stores.chunks.get("b", 0)
    version = stored.version if stored else None
    while True:
        version = await stores.chunks.put(ChunkRow(batch_id="b", index=0, completed=number), version)
        told("chunk", number)
        number += 1


async def replace_forever(stores: Stores, number: int) -> None:
    batch = a_batch()
    if await stores.batches.get(batch.owner, batch.id) is None:
        await stores.batches.insert(batch)
    while True:
        stored = await stores.batches.get(batch.owner, batch.id)
        await stores.batches.replace(msgspec.structs.replace(batch, total=number), stored.version)
        told("batch", number)
        number += 1


async def main(data: Path, starts: dict[str, int]) -> None:
    stores = open_stores(data)
    await asyncio.gather(
        append_forever(stores, starts.get("append", 0)),
        upload_forever(stores, starts.get("upload", 0)),
        put_forever(stores, starts.get("put", 0)),
        count_forever(stores, starts.get("chunk", 0)),
        replace_forever(stores, starts.get("batch", 0)),
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=dict[str, int])))
