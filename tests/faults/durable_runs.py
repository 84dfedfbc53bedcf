"""The product's orchestrators, run as a durable host runs them: activities at least once, on processes that may die.

The history is not simulated: it is what survives, so the orchestrators' generators simply live on. An activity whose
process dies is delivered again; it may be delivered twice, and then the first outcome counts while the other goes on.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from activities.reserve_quota import reserve_quota
from activities.validate_input import validate_input
from activities.work_lane import work_lane
from orchestrators import names
from orchestrators.run_batch import run_batch
from orchestrators.run_lane import run_lane
from tests.fake_orchestrations import finish_batch
from tests.faults.processes import Process

ORCHESTRATORS = {names.RUN_BATCH: run_batch, names.RUN_LANE: run_lane}
ACTIVITIES = {
    names.VALIDATE_INPUT: validate_input,
    names.RESERVE_QUOTA: reserve_quota,
    names.WORK_LANE: work_lane,
    names.FINISH_BATCH: finish_batch,
}
REDELIVERY_SECONDS = 1.0
RESTART_SECONDS = 30.0

Step = Coroutine[Any, Any, Any]


@dataclass
class _Context:
    """The durable context: what an orchestrator asks for comes back as the coroutine that does it."""

    runs: DurableRuns
    input: Any
    restart: Any = None

    @property
    def current_utc_datetime(self) -> datetime:
        return self.runs.now()

    def get_input(self) -> Any:
        return self.input

    def set_custom_status(self, status: str) -> None:
        """For people only."""

    def new_uuid(self) -> str:
        return "0" * 36

    def call_activity(self, name: str, argument: Any) -> Step:
        return self.runs.activity(name, argument)

    def call_sub_orchestrator(self, name: str, argument: Any, instance_id: str) -> Step:
        return self.runs.orchestration(name, argument)

    def task_all(self, steps: list[Step]) -> Step:
        return self.runs.all_of(steps)

    def create_timer(self, until: datetime) -> Step:
        return asyncio.sleep((until - self.runs.now()).total_seconds())

    def continue_as_new(self, argument: Any) -> None:
        self.restart = argument


@dataclass(kw_only=True)
class DurableRuns:
    """`run_to_end` a batch. Shares of activity calls: `twice` delivered twice, `cut` cancelled in mid-work.

    The second of two deliveries comes up to `twin_after` seconds after the first.
    `impatient`: when a lane fails, the run fails at once and is started anew beside the lanes that still work.
    """

    now: Callable[[], datetime]
    dice: Random
    workers: int = 2
    twice: float = 0.0
    twin_after: float = 0.0
    cut: float = 0.0
    impatient: bool = False
    kills: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    processes: list[Process] = field(default_factory=list)
    _left_behind: set[asyncio.Future[Any]] = field(default_factory=set)

    async def run_to_end(self, name: str, argument: Any, is_over: Callable[[], bool]) -> None:
        """Start the run anew, as `reconcile_batches` does, until it is over; then wait for whatever still works."""
        self.processes = [Process() for _ in range(self.workers)]
        while not is_over():
            try:
                ended = await self.orchestration(name, argument)
                self.failures["run begins again"] += "reason" in ended
            except Exception as error:  # of an activity that failed too often
                self.failures[f"run: {type(error).__name__}"] += 1
            if not is_over():
                await asyncio.sleep(RESTART_SECONDS)
        while self._left_behind:
            await asyncio.wait(self._left_behind)

    def kill(self, process: Process) -> None:
        """As `kill -9`; another takes its place."""
        self.kills += 1
        process.kill()
        self.processes[self.processes.index(process)] = Process()

    async def orchestration(self, name: str, argument: Any) -> Any:
        while True:
            context = _Context(self, json.loads(json.dumps(argument)))
            result = await _play(ORCHESTRATORS[name](context))
            if context.restart is None:
                return result
            argument = context.restart

    async def all_of(self, steps: list[Step]) -> list[Any]:
        lanes = [asyncio.ensure_future(step) for step in steps]
        if self.impatient:
            await asyncio.wait(lanes, return_when=asyncio.FIRST_EXCEPTION)
            self._leave_behind(*lanes)
        else:
            await asyncio.wait(lanes)
        if failed := [lane.exception() for lane in lanes if lane.done() and lane.exception()]:
            raise failed[0]
        return [lane.result() for lane in lanes]

    async def activity(self, name: str, argument: Any) -> Any:
        while True:
            deliveries = [self._deliver(name, argument)]
            if self.dice.random() < self.twice:
                deliveries.append(self._deliver(name, argument, after=self.dice.random() * self.twin_after))
            deaths = [process.death for process, _ in deliveries]
            work = [task for _, task in deliveries]
            await asyncio.wait([*work, *deaths], return_when=asyncio.FIRST_COMPLETED)
            self._leave_behind(*work)
            ended = [task for process, task in deliveries if task.done() and not process.is_dead]
            if ended:
                return self._outcome(name, ended[0])
            await asyncio.sleep(REDELIVERY_SECONDS)

    def _deliver(self, name: str, argument: Any, after: float = 0.0) -> tuple[Process, asyncio.Task[Any]]:
        process = self.dice.choice(self.processes)
        task = process.begin(_later(after, ACTIVITIES[name](json.loads(json.dumps(argument)))))
        if self.dice.random() < self.cut:
            asyncio.get_running_loop().call_later(self.dice.random() * 5, task.cancel)
        return process, task

    def _outcome(self, name: str, task: asyncio.Task[Any]) -> Any:
        if task.cancelled():
            self.failures[f"{name}: cut"] += 1
            raise RuntimeError(f"{name} was cancelled.")
        if error := task.exception():
            self.failures[f"{name}: {type(error).__name__}"] += 1
            raise error
        return json.loads(json.dumps(task.result()))

    def _leave_behind(self, *work: asyncio.Future[Any]) -> None:
        """Nobody waits for these any more, ended ones included: two deliveries may end, and fail, in one moment."""
        for one in work:
            self._left_behind.add(one)
            one.add_done_callback(self._forget)

    def _forget(self, work: asyncio.Future[Any]) -> None:
        self._left_behind.discard(work)
        if not work.cancelled():
            work.exception()


async def _later(seconds: float, work: Step) -> Any:
    try:
        await asyncio.sleep(seconds)
    except BaseException:
        work.close()
        raise
    return await work


async def _play(generator: Generator[Step, Any, Any]) -> Any:
    """Run an orchestrator to its end, doing what it yields."""
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = generator.throw(failure) if failure else generator.send(answer)
        except StopIteration as end:
            return end.value
        answer = failure = None
        try:
            answer = await step
        except Exception as error:
            failure = error
