"""An event loop without waiting: when nothing is ready, its clock jumps to the next timer.

Hours of pauses cost milliseconds, and a run depends on its seed only. Holds as long as nothing waits for the world
outside: no sockets, and work for threads is done at once.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")


class Stuck(Exception):
    """Everything waits, and no timer is set: what is waited for will never happen."""


class _Jumping(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Never waits: the time that was to be waited for has passed."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Stuck
        if not ready:
            self.now += timeout or 0.0
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock begins at 0."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        future.set_result(func(*args))
        return future


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """`asyncio.run` in virtual time, which `time.monotonic` shows, too."""
    loop = VirtualLoop()
    try:
        with mock.patch.object(time, "monotonic", loop.time):
            return loop.run_until_complete(main())
    finally:
        loop.close()
