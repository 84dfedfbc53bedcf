"""The host's side of the activity workers: starts them, spreads activities over them, replaces those that die.

Rule: as on the platform, an activity whose worker died has failed, in the words of the real host, and it is for its
orchestrator to call it again; one that takes longer than `functionTimeout` takes its worker with it. Must not know what
an activity does, nor keep anything: what must survive is in the history.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from local_host.workers import failures
from local_host.workers.activity_channel import SPARE, Stop
from local_host.workers.worker_process import ActivityFailed, Worker, WorkerDied

__all__ = ["ActivityFailed", "ActivityPool", "PoolStopped"]

log = logging.getLogger(__name__)

SHORT_LIFE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 5.0
DEATHS_BEFORE_ERROR = 3
REPLACE_AFTER_SECONDS = 2.0

_ROOT = str(Path(__file__).resolve().parents[2])


class PoolStopped(Exception):
    """The pool stopped before the activity had ended; it is to run again."""


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
        has_spare: bool = False,
    ) -> None:
        """`has_spare`: one worker more, which has imported everything and waits for one of the others to die."""
        self._has_spare = has_spare
        self._function_timeout = function_timeout
        self._processes = processes
        self._bootstrap = bootstrap
        self._environment = environment
        self._workers: list[Worker] = []
        self._living = 0  # Those that are being started included.
        self._keepers: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()
        self._stopping = False

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are alive now, the spare last."""
        return [worker.pid for worker in self._workers]

    async def start(self) -> None:
        """Begin to start the workers; `run` waits for the first that is ready, and so does the spare."""
        self._keepers = [asyncio.create_task(self._keep()) for _ in range(self._processes)]
        if self._has_spare:
            self._keepers.append(asyncio.create_task(self._keep_spare()))

    def begin_to_stop(self) -> None:
        """Tell the workers that no more calls come, so that long ones end."""
        for worker in self._workers:
            worker.send(Stop())

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
        except WorkerDied as death:
            log.warning("An activity's worker ended.", extra={"action": "activity_failed", "activity": name})
            raise ActivityFailed(failures.worker_ended(name, death.code)) from None

    async def _least_busy(self) -> Worker:
        while not self._stopping:
            # Oldest first: what comes after them is a spare, until one of them dies.
            ready = [worker for worker in self._workers if worker.is_ready][: self._processes]
            if ready:
                return min(ready, key=lambda worker: len(worker.calls))
            self._ready.clear()
            await self._ready.wait()
        raise PoolStopped

    async def _keep_spare(self) -> None:
        await self._ready.wait()
        if not self._stopping:
            await self._keep()

    async def _keep(self) -> None:
        """One worker after another, for as long as the pool lives; slower if they keep dying."""
        deaths = 0
        while True:
            deaths = 0 if await self._live_once() else deaths + 1
            if deaths and deaths % DEATHS_BEFORE_ERROR == 0:
                log.error(
                    "Activity workers end right after their start. To see why: "
                    "%s -m local_host.workers.activity_worker %s",
                    sys.executable,
                    self._bootstrap,
                    extra={"action": "worker_keeps_dying"},
                )
            if deaths:
                await asyncio.sleep(min(FIRST_PAUSE_SECONDS * 2**deaths, MAX_PAUSE_SECONDS))
            elif any(
                worker.is_ready for worker in self._workers
            ):  # Who takes over needs the processor more than imports.
                await asyncio.sleep(REPLACE_AFTER_SECONDS)

    async def _live_once(self) -> bool:
        """Start a worker and stay with it to its end; True if it was of any use."""
        started, is_spare = time.monotonic(), self._living >= self._processes
        self._living += 1
        try:
            worker = Worker(await self._start_process(is_spare=is_spare))
        except OSError:
            log.exception("An activity worker could not be started.", extra={"action": "worker_not_started"})
            self._living -= 1
            return False
        self._workers.append(worker)
        try:
            await worker.listen(self._ready)
        finally:
            self._workers.remove(worker)
            self._living -= 1
            code = await worker.end()
            worker.fail(PoolStopped() if self._stopping else WorkerDied(code))
        log.warning("An activity worker ended.", extra={"action": "worker_ended", "pid": worker.pid, "code": code})
        return worker.has_answered or time.monotonic() - started > SHORT_LIFE_SECONDS

    async def _start_process(self, *, is_spare: bool) -> asyncio.subprocess.Process:
        environment = {**os.environ, **self._environment}
        paths = [_ROOT, environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "local_host.workers.activity_worker",
            self._bootstrap,
            *([SPARE] if is_spare else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            start_new_session=True,  # A Ctrl-C in the terminal is for the host, which lets activities end.
        )
