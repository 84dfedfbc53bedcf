"""Durable orchestrations on one machine: starts them, feeds them, and does in the world what they ask for.

Rule: every change is one transaction of `History`, and nothing is done before what asked for it is on the disk; what
was asked for and not confirmed is asked for again at the next start, so activities run at least once. One thread owns
the history and replays, so an instance is never replayed twice at a time. Must not know HTTP or azure-functions
metadata.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, Protocol

from local_host.durable import acts, episode, events, sdk
from local_host.durable.clock import REAL_CLOCK, Clock
from local_host.durable.episode import Consequences
from local_host.durable.events import Event
from local_host.durable.history import History, PendingActivity, PendingTimer, Records, TaskKey
from local_host.durable.instance import InstanceStatus
from local_host.durable.refusals import UnknownFunction
from local_host.durable.sdk import Orchestrators
from local_host.workers.activity_pool import ActivityFailed, PoolStopped
from shared.domain.errors import Unavailable

log = logging.getLogger(__name__)

P = ParamSpec("P")

MAX_SLEEP_SECONDS = 60.0  # A timer looks at the clock this often, for machines that sleep or set their clock.
RETRY_SECONDS = 1.0


class Activities(Protocol):
    """What runs activities: `ActivityPool`."""

    async def run(self, name: str, input_json: str) -> str:
        """JSON text of the result. Raises ActivityFailed, or PoolStopped if it is to run at the next start."""
        ...


class Engine:
    """The orchestrations of one history. `start`, then everything else, then `stop`."""

    def __init__(
        self,
        *,
        history: History,
        orchestrators: Orchestrators,
        activities: Activities,
        activity_slots: int,
        clock: Clock = REAL_CLOCK,
    ) -> None:
        """`activity_slots`: how many activities run at a time; the others wait in the order they were asked for."""
        self._history = history
        self._orchestrators = orchestrators
        self._activities = activities
        self._slots = asyncio.Semaphore(activity_slots)
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._at_work: list[str] = []
        self._stopping = False

    async def start(self) -> None:
        """Go on with everything that had not ended: messages, activities without a result, timers."""
        sdk.prepare()
        unfinished, found = await self._history.write(episode.unfinished)
        for name in sorted({one.name for one in unfinished} - set(self._orchestrators)):
            log.warning(
                "Unfinished orchestrations are left alone: the function app has no orchestrator %s any more.",
                name,
                extra={"action": "orchestrator_missing", "function": name},
            )
        self._follow(found)

    @property
    def at_work(self) -> list[str]:
        """The names of the activities that run now."""
        return list(self._at_work)

    def begin_to_stop(self) -> None:
        """Begin nothing new; what runs goes on, and its results are kept."""
        self._stopping = True

    async def stop(self, grace_seconds: float = 10.0) -> list[str]:
        """Begin nothing new, give running activities `grace_seconds`, and let go of the history.

        What is not finished then is done at the next start; returned are the names of these activities.
        """
        self.begin_to_stop()
        activities = {task for task in self._running if task.get_name() == "activity"}
        if activities:
            await asyncio.wait(activities, timeout=grace_seconds)
        left = self.at_work
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._history.close)
        return left

    async def start_new(self, name: str, instance_id: str | None, input_json: str | None) -> str:
        """Start an orchestration with `input_json` (JSON text of its input); return its id.

        An ended instance of that id is replaced. Raises UnknownFunction, InstanceExists.
        """
        if name not in self._orchestrators:
            known = ", ".join(sorted(self._orchestrators)) or "none"
            raise UnknownFunction(f"The function app has no orchestrator named {name!r}; it has: {known}.")
        new_id = instance_id or uuid.uuid4().hex

        await self._do(acts.start, name=name, instance_id=new_id, input_json=input_json)
        return new_id

    async def status(self, instance_id: str) -> InstanceStatus | None:
        return await self._history.write(lambda records: records.instance(instance_id))

    async def list_statuses(
        self,
        *,
        prefix: str | None = None,
        statuses: Collection[str] | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> list[InstanceStatus]:
        """Instances that match everything given, oldest first. `statuses` are the platform's names."""
        return await self._history.write(
            lambda records: records.instances(
                prefix=prefix, statuses=statuses, created_from=created_from, created_to=created_to
            )
        )

    async def raise_event(self, instance_id: str, name: str, input_json: str) -> None:
        """`input_json` is JSON text of the event's value. Raises InstanceMissing, InstanceEnded."""
        await self._do(acts.raise_event, instance_id, name, input_json)

    async def terminate(self, instance_id: str, reason: str = "") -> None:
        """End it now; its children and running activities go on. Raises InstanceMissing, InstanceEnded."""
        await self._do(acts.terminate, instance_id, reason)

    async def suspend(self, instance_id: str, reason: str = "") -> None:
        """Keep its messages from it until `resume`. Raises InstanceMissing, InstanceEnded, SteeredTwice."""
        await self._do(acts.suspend, instance_id, reason)
        log.info("An orchestration is suspended.", extra=_about("orchestration_suspended", instance_id, reason))

    async def resume(self, instance_id: str, reason: str = "") -> None:
        """Undo `suspend`. Raises InstanceMissing, InstanceEnded, SteeredTwice."""
        await self._do(acts.resume, instance_id, reason)
        log.info("An orchestration is resumed.", extra=_about("orchestration_resumed", instance_id, reason))

    async def rewind(self, instance_id: str, reason: str = "") -> None:
        """Let a failed one go on from before what failed. Raises InstanceMissing, WrongStatus."""
        await self._do(acts.rewind, instance_id, reason)
        log.info("An orchestration is rewound.", extra=_about("orchestration_rewound", instance_id, reason))

    async def restart(self, instance_id: str, *, with_new_id: bool = True) -> str:
        """The same code and input again; return the id. Raises InstanceMissing, InstanceExists."""
        new_id = uuid.uuid4().hex if with_new_id else instance_id
        await self._do(acts.restart, instance_id, new_id)
        return new_id

    async def purge(self, instance_id: str) -> None:
        """Forget an ended instance. Raises InstanceMissing, WrongStatus."""
        await self._history.write(lambda records: acts.purge(records, instance_id))

    async def purge_by(
        self,
        *,
        statuses: Collection[str] | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> int:
        """Forget all ended instances that match; return how many."""
        return await self._history.write(
            lambda records: acts.purge_by(records, statuses=statuses, created_from=created_from, created_to=created_to)
        )

    async def _do(
        self, act: Callable[Concatenate[Records, datetime, P], Consequences], *about: P.args, **more: P.kwargs
    ) -> None:
        self._follow(await self._history.write(lambda records: act(records, self._clock.now(), *about, **more)))

    def _follow(self, consequences: Consequences) -> None:
        """Do what a committed transaction asked for; when stopping, the next start does it."""
        if self._stopping:
            return
        for activity in consequences.activities:
            self._spawn(self._run_activity(activity), "activity")
        for timer in consequences.timers:
            self._spawn(self._run_timer(timer), "timer")
        for instance_id in consequences.ready:
            self._spawn(self._persist(self._episode(instance_id)), "episode")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_activity(self, activity: PendingActivity) -> None:
        async with self._slots:
            if self._stopping:
                return
            self._at_work.append(activity.name)
            try:
                outcome = await self._outcome(activity)
            except PoolStopped:
                return
            finally:
                self._at_work.remove(activity.name)
        await self._persist(self._delivery(activity.key, outcome))

    async def _outcome(self, activity: PendingActivity) -> Event:
        task_id = activity.key.task_id
        try:
            result = await self._activities.run(activity.name, activity.input_json)
        except ActivityFailed as error:
            failure = error.failure
            return events.task_failed(
                self._clock.now(), task_id=task_id, reason=failure.reason, details=failure.details
            )
        return events.task_completed(self._clock.now(), task_id=task_id, result=result)

    async def _run_timer(self, timer: PendingTimer) -> None:
        while (remaining := (timer.fire_at - self._clock.now()).total_seconds()) > 0:
            await self._clock.sleep(min(remaining, MAX_SLEEP_SECONDS))
        fired = events.timer_fired(self._clock.now(), task_id=timer.key.task_id, fire_at=timer.fire_at)
        await self._persist(self._delivery(timer.key, fired))

    def _episode(self, instance_id: str) -> Callable[[Records], Consequences]:
        return lambda records: episode.run_episode(records, self._clock.now(), self._orchestrators, instance_id)

    def _delivery(self, key: TaskKey, outcome: Event) -> Callable[[Records], Consequences]:
        """An outcome into the inbox, and the step it leads to, in one transaction. Only the first outcome counts."""

        def deliver(records: Records) -> Consequences:
            if not records.remove_task(key):
                return Consequences()
            records.post(key.instance_id, key.execution_id, outcome)
            return self._episode(key.instance_id)(records)

        return deliver

    async def _persist(self, work: Callable[[Records], Consequences]) -> None:
        """Write what nobody would send again. A full disk delays it; after a bug, the next start sends it again."""
        while True:
            try:
                consequences = await self._history.write(work)
            except Unavailable as error:
                log.warning("An orchestration waits for the disk: %s", error, extra={"action": "step_delayed"})
                await self._clock.sleep(RETRY_SECONDS)
            except Exception:  # A bug in the host must not end the other orchestrations.
                log.exception("An orchestration is stuck until the next start.", extra={"action": "step_failed"})
                return
            else:
                self._follow(consequences)
                return


def _about(action: str, instance_id: str, reason: str) -> dict[str, str]:
    return {"action": action, "instance_id": instance_id, "reason": reason}
