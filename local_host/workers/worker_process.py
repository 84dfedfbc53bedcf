"""One worker process as the host sees it: calls go in, answers come out, and it ends in one way or another."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress

from local_host.workers.activity_channel import Call, Done, Failed, Order, Ready, frame, read_answer
from local_host.workers.failures import Failure

END_SECONDS = 2.0


class ActivityFailed(Exception):
    """The activity raised, or its worker ended."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class WorkerDied(Exception):
    """The worker ended while it was running the activity."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class Worker:
    """One worker process and the calls it has not answered yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count()
        self.calls: dict[int, asyncio.Future[str]] = {}
        self.is_ready = False
        self.has_answered = False

    @property
    def pid(self) -> int:
        return self._process.pid

    async def call(self, name: str, input_json: str) -> str:
        """Raises ActivityFailed, WorkerDied."""
        number = next(self._numbers)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.calls[number] = future
        try:
            self.send(Call(number=number, name=name, input=input_json))
            return await future
        finally:
            self.calls.pop(number, None)

    def send(self, order: Order) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        try:
            self._process.stdin.write(frame(order))
        except (OSError, RuntimeError):  # The pipe broke before the end of the process was noticed.
            self.kill()

    def kill(self) -> None:
        """End the process now; whoever listens to it fails its calls."""
        self.is_ready = False
        with suppress(ProcessLookupError):  # It may have ended just now.
            self._process.kill()

    async def listen(self, ready: asyncio.Event) -> None:
        """Hand out answers until the process ends."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        while (message := await read_answer(self._process.stdout)) is not None:
            if isinstance(message, Ready):
                self.is_ready = True
                ready.set()
            else:
                self._settle(message)

    def _settle(self, message: Done | Failed) -> None:
        self.has_answered = True
        future = self.calls.get(message.number)
        if future is None or future.done():  # Its caller was cancelled.
            return
        if isinstance(message, Done):
            future.set_result(message.result)
        else:
            future.set_exception(ActivityFailed(Failure(reason=message.reason, details=message.details)))

    def fail(self, error: Exception) -> None:
        """Whatever it was running ends with `error`."""
        for future in list(self.calls.values()):
            if not future.done():
                future.set_exception(error)

    async def end(self) -> int:
        """Make sure that the process is gone; return its exit code, for a signal 128 and its number.

        One that runs nothing has nothing to end in order; one that is still importing would not hear that it should.
        """
        if not self.calls:
            self.kill()
        self.is_ready = False
        code = await self._ended()
        return code if code >= 0 else 128 - code

    async def _ended(self) -> int:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            self.kill()
            return await self._process.wait()
