"""An engine on a folder, with activities that the test answers, for tests of the engine and of what can be done to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local_host.durable.engine import Engine
from local_host.durable.history import History
from local_host.durable.instance import InstanceStatus, RuntimeStatus
from local_host.workers import failures
from local_host.workers.activity_pool import ActivityFailed
from tests.local_host.orchestrations import ORCHESTRATORS

ANSWERS = {
    "work": lambda argument: argument["i"] * 10,
    "join": sum,
    "slow": lambda _: 42,
    "after": lambda _: 2,
    "flaky": lambda _: "fine",
    "w": lambda n: n,
    "double": lambda n: n * 2,
}


class Activities:
    """Answers at once; `slow` waits until `release` is set, and notes that it began in `began`; `flaky` fails until
    `mended`."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []
        self.began = asyncio.Event()
        self.release = asyncio.Event()
        self.mended = False

    async def run(self, name: str, input_json: str) -> str:
        self.ran.append((name, input_json))
        if name == "slow":
            self.began.set()
            await self.release.wait()
        if name == "always" or (name == "flaky" and not self.mended):
            raise ActivityFailed(failures.raised(name, "ValueError: nope", "the stack"))
        value = json.loads(input_json)
        return json.dumps(ANSWERS[name](value))


class SkippingClock:
    """Sleeping takes no time and moves the clock on."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


async def ended(engine, instance_id):
    """The instance, once it has ended."""
    async with asyncio.timeout(60):
        while True:
            status = await engine.status(instance_id)
            if status.is_ended:
                return status
            await asyncio.sleep(0.005)


class Host:
    """An engine on a folder that can be restarted, gracefully or as after a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.activities = Activities()
        self.orchestrators = dict(ORCHESTRATORS)
        self.activity_slots = 100
        self.clock = {}
        self.engine: Engine | None = None

    async def start(self) -> Engine:
        history = History(self.folder / "history.db")
        self.engine = Engine(
            history=history,
            orchestrators=self.orchestrators,
            activities=self.activities,
            activity_slots=self.activity_slots,
            **self.clock,
        )
        await self.engine.start()
        return self.engine

    async def restart(self, grace_seconds: float = 0) -> Engine:
        await self.engine.stop(grace_seconds)
        return await self.start()

    async def ended(self, instance_id: str = "b1"):
        return await ended(self.engine, instance_id)

    async def settled(self, instance_id: str, expected: RuntimeStatus) -> None:
        await self._until(instance_id, lambda status: status.runtime_status is expected)

    async def reads(self, instance_id: str, name: str, expected: RuntimeStatus) -> None:
        await self._until(instance_id, lambda status: (status.name, status.runtime_status) == (name, expected))

    async def _until(self, instance_id: str, is_so: Callable[[InstanceStatus], bool]) -> None:
        async with asyncio.timeout(60):
            while True:
                status = await self.engine.status(instance_id)
                if status is not None and is_so(status):
                    return
                await asyncio.sleep(0.005)

    async def run(self, name: str, input_json: str | None = None):
        await self.engine.start_new(name, "b1", input_json)
        return await self.ended()
