"""The stop that SIGINT or SIGTERM asks for: how long work may take from then, and what a person sees meanwhile.

The first signal ends nothing by itself; the second ends the process at once, which is as safe as a kill.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

from local_host.durable.engine import Engine

SAY_SECONDS = 5.0


class Stopping:
    """`grace_seconds` is for work in flight, from the first signal; `say` gets each line for a person."""

    def __init__(self, grace_seconds: float, say: Callable[[str], None]) -> None:
        self._grace_seconds = grace_seconds
        self._say = say
        self._asked = asyncio.Event()
        self._until = 0.0
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._asked.is_set():
            os._exit(1)
        self._until = time.monotonic() + self._grace_seconds
        self._say(
            "Stopping: nothing new begins, what is in flight may end. Once more to stop at once. "
            "Unfinished batches go on at the next start."
        )
        self._asked.set()

    async def wait(self) -> None:
        """Until the first signal."""
        await self._asked.wait()

    @property
    def remaining_seconds(self) -> float:
        """Of the grace."""
        return max(0.0, self._until - time.monotonic())

    async def tell(self, at_work: Callable[[], Sequence[str]]) -> None:
        """From the first signal on, say what is waited for every few seconds. Ends by cancellation."""
        await self._asked.wait()
        while True:
            if names := at_work():
                self._say(f"Waiting for {_listed(names)}, {self.remaining_seconds:.0f} s at most.")
            await asyncio.sleep(SAY_SECONDS)

    async def end(self, engine: Engine) -> None:
        """Let running activities end within the grace."""
        if names := await engine.stop(self.remaining_seconds):
            self._say(
                f"Time is up for {_listed(names)}: the next start goes on with it, and sends again what was in flight."
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{count} x {name}" for name, count in sorted(Counter(names).items()))
