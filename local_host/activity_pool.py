"""The host's side of the activity workers: starts them, spreads activities over them, replaces those that die.

Rule: as on the platform, an activity whose worker died has failed, in the words of the real host, and it is for its
orchestrator to call it again; one that takes longer than `functionTimeout` takes its worker with it. Must not know what
an activity does, nor keep anything: what must survive is in the history.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from local_host import failures
from local_host.activity_channel import Call, Done, Failed, Ready, frame, read_answer
from local_host.failures import Failure

log = logging.getLogger(__name__)

SHORT_LIFE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0
DEATHS_BEFORE_ERROR = 3
END_SECONDS = 2.0

_ROOT = str(Path(__file__).resolve().parents[1])


class ActivityFailed(Exception):
    """The activity raised, or its worker ended."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class PoolStopped(Exception):
    """The pool stopped before the activity had ended; it is to run again."""


class _WorkerDied(Exception):
    """The worker ended while it was running the activity."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class _Worker:
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
        """Raises ActivityFailed, _WorkerDied."""
        number = next(self._numbers)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.calls[number] = future
        try:
            self._send(Call(number=number, name=name, input=input_json))
            return await future
        finally:
            self.calls.pop(number, None)

    def _send(self, call: Call) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        try:
            self._process.stdin.write(frame(call))
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
        """Make sure that the process is gone; return its exit code, for a signal 128 and its number."""
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


class ActivityPool:
    """`processes` workers, each with this process's environment and `environment` on top.

    `bootstrap` is "module:function": see `activity_worker.load_activities`.
    """

    def __init__(
        self,
        *,
        processes: int,
        bootstrap: str,
        environment: Mapping[str, str],
        function_timeout: timedelta = timedelta.max,
    ) -> None:
        self._function_timeout = function_timeout
        self._processes = processes
        self._bootstrap = bootstrap
        self._environment = environment
        self._workers: list[_Worker] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._stopping = False

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are alive now."""
        return [worker.pid for worker in self._workers]

    async def start(self) -> None:
        """Begin to start the workers; `run` waits for the first that is ready."""
        self._keepers = [asyncio.create_task(self._keep()) for _ in range(self._processes)]

    async def stop(self, grace_seconds: float) -> None:
        """Give running activities `grace_seconds`, then end the workers. What is unfinished raises PoolStopped."""
        self._stopping = True
        self._ready.set()
        running = [call for worker in self._workers for call in worker.calls.values()]
        if running:
            await asyncio.wait(running, timeout=grace_seconds)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def run(self, name: str, input_json: str) -> str:
        """Run an activity; input and result are JSON text. Raises ActivityFailed, PoolStopped."""
        worker = await self._least_busy()
        try:
            async with asyncio.timeout(self._function_timeout.total_seconds()):
                return await worker.call(name, input_json)
        except TimeoutError:
            log.warning("A function timed out; its worker is ended.", extra={"action": "timed_out", "activity": name})
            worker.kill()
            raise ActivityFailed(failures.timed_out(name, self._function_timeout)) from None
        except _WorkerDied as death:
            log.warning("An activity's worker ended.", extra={"action": "activity_failed", "activity": name})
            raise ActivityFailed(failures.worker_ended(name, death.code)) from None

    async def _least_busy(self) -> _Worker:
        while not self._stopping:
            ready = [worker for worker in self._workers if worker.is_ready]
            if ready:
                return min(ready, key=lambda worker: len(worker.calls))
            self._ready.clear()
            await self._ready.wait()
        raise PoolStopped

    async def _keep(self) -> None:
        """One worker after another, for as long as the pool lives; slower if they keep dying."""
        deaths = 0
        while True:
            deaths = 0 if await self._live_once() else deaths + 1
            if deaths and deaths % DEATHS_BEFORE_ERROR == 0:
                log.error(
                    "Activity workers end right after their start. To see why: %s -m local_host.activity_worker %s",
                    sys.executable,
                    self._bootstrap,
                    extra={"action": "worker_keeps_dying"},
                )
            if deaths:
                await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2**deaths, MAX_PAUSE_SECONDS))

    async def _live_once(self) -> bool:
        """Start a worker and stay with it to its end; True if it was of any use."""
        started = time.monotonic()
        try:
            worker = _Worker(await self._start_process())
        except OSError:
            log.exception("An activity worker could not be started.", extra={"action": "worker_not_started"})
            return False
        self._workers.append(worker)
        try:
            await worker.listen(self._ready)
        finally:
            self._workers.remove(worker)
            code = await worker.end()
            worker.fail(PoolStopped() if self._stopping else _WorkerDied(code))
        log.warning("An activity worker ended.", extra={"action": "worker_ended", "pid": worker.pid, "code": code})
        return worker.has_answered or time.monotonic() - started > SHORT_LIFE_SECONDS

    async def _start_process(self) -> asyncio.subprocess.Process:
        environment = {**os.environ, **self._environment}
        paths = [_ROOT, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "local_host.activity_worker",
            self._bootstrap,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # A Ctrl-C in the terminal is for the host, which lets activities end.
        )
