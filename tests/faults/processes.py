"""Processes of the service that can be killed, all inside one event loop.

Every task knows the process it belongs to. A killed process loses all of its tasks at once, and whatever they still
try to do in the world fails: stores and upstream ask `current().check()` first.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

_current: contextvars.ContextVar[Process] = contextvars.ContextVar("process")


class Killed(BaseException):
    """Not an Exception: no code of a killed process gets a chance to deal with it."""


@dataclass(eq=False)
class Process:
    """Alive until `kill`; `death` is done from then on."""

    death: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def is_dead(self) -> bool:
        return self.death.done()

    def check(self) -> None:
        """Raises Killed."""
        if self.is_dead:
            raise Killed

    def kill(self) -> None:
        if not self.is_dead:
            self.death.set_result(None)
            for task in list(self._tasks):
                task.cancel()

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of this process; those that it makes belong to the process as well."""
        context = contextvars.copy_context()
        context.run(_current.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.is_dead:
            task.cancel()


def current() -> Process:
    """Whose code is running."""
    return _current.get()


def watch_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """From now on processes know their tasks."""

    def make(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=loop, context=context)
        process = context.get(_current) if context else _current.get(None)
        if process:
            process.adopt(task)
        return task

    loop.set_task_factory(make)
