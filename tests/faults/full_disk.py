"""One batch on the local stores while the disk is full for a while: `python -m tests.faults.full_disk FOLDER`.

In a process of its own, because the limit that plays the full disk holds for every file that a process writes. Prints
what became of the batch as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
import sys
from pathlib import Path
from typing import Any

from activities.work_lane import work_lane
from shared.domain.errors import Unavailable
from tests.fake_orchestrations import finish_batch
from tests.run.conftest import World, answer, opened_world
from tests.run.test_lane import cursor

LINES = 200
FULL_AFTER_LINES = 60
FULL_SECONDS = 1.2


async def fill_disk(world: World) -> bool:
    """Once some lines have been asked, no file may grow any more, for a while. True if the stores noticed."""
    while len(world.upstream.asked) < FULL_AFTER_LINES:
        await asyncio.sleep(0.01)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    refused = await asyncio.gather(world.service.stores.blobs.put("plans/full", b"full"), return_exceptions=True)
    await asyncio.sleep(FULL_SECONDS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    return isinstance(refused[0], Unavailable)


async def insist(activity: Any, argument: dict[str, Any]) -> Any:
    while True:
        try:
            return await activity(argument)
        except Unavailable:
            await asyncio.sleep(0.2)


async def main(folder: Path) -> dict[str, Any]:
    async with opened_world(folder) as world:
        world.upstream.script = lambda prompt, _: answer(200, {"text": prompt * 50})
        world.upstream.latency_seconds = 0.05
        batch = await world.batch(LINES, per_chunk=50)
        full = asyncio.create_task(fill_disk(world))
        while not (await insist(work_lane, cursor(batch)))["done"]:
            await asyncio.sleep(0.05)
        was_full = await full
        await insist(finish_batch, cursor(batch))
        batch = await world.read(batch)
        lines = await world.lines(batch.output_file_id)
    return {
        "status": batch.status,
        "completed": batch.completed,
        "custom_ids": [line["custom_id"] for line in lines],
        "asked_again": world.upstream.asked.total() - len(world.upstream.asked),
        "was_full": was_full,
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
