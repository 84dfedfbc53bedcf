"""Durable orchestrations on one machine: starts them, feeds them, and does in the world what they ask for.

Rule: every change is one transaction of `History`, and nothing is done before what asked for it is on the disk; what
was asked for and not confirmed is asked for again at the next start, so activities run at least once. One thread owns
the history and replays, so an instance is never replayed twice at a time. Must not know HTTP or azure-functions
metadata.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Collection, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from local_host import episode, events, sdk
from local_host.activity_pool import ActivityFailed, PoolStopped
from local_host.clock import REAL_CLOCK, Clock
from local_host.episode import Consequences
from local_host.events import Event
from local_host.history import History, PendingActivity, PendingTimer, Records, TaskKey
from local_host.instance import ENDED, InstanceStatus, RuntimeStatus
from local_host.sdk import Orchestrators
from shared.domain.errors import Unavailable

__all__ = ["Engine", "InstanceEnded", "InstanceExists", "InstanceMissing", "InstanceStatus", "UnknownFunction"]

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_SLEEP_SECONDS = 60.0  # A timer looks at the clock this often, for machines that sleep or set their clock.
RETRY_SECONDS = 1.0


class UnknownFunction(Exception):
    """The app has no orchestrator of that name."""


class InstanceExists(Exception):
    """An instance of that id has not ended yet."""


class InstanceMissing(Exception):
    """No instance of that id."""


class InstanceEnded(Exception):
    """The instance has ended; there is nobody left to hear."""


class Activities(Protocol):
    """What runs activities: `ActivityPool`."""

    async def run(self, name: str, input_json: str) -> str:
        """JSON text of the result. Raises ActivityFailed, or PoolStopped if it is to run at the next start."""
        ...


class Engine:
    """The orchestrations of one history. `start`, then everything else, then `stop`."""

    def __init__(
        self, *, history: History, orchestrators: Orchestrators, activities: Activities, clock: Clock = REAL_CLOCK
    ) -> None:
        self._history = history
        self._orchestrators = orchestrators
        self._activities = activities
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
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

    async def stop(self, grace_seconds: float = 10.0) -> None:
        """Begin nothing new, give running activities `grace_seconds`, and let go of the history.

        What is not finished then is done at the next start.
        """
        self._stopping = True
        activities = {task for task in self._running if task.get_name() == "activity"}
        if activities:
            await asyncio.wait(activities, timeout=grace_seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.to_thread(self._history.close)

    async def start_new(self, name: str, instance_id: str | None, input_json: str | None) -> str:
        """Start an orchestration with `input_json` (JSON text of its input); return its id.

        An ended instance of that id is replaced. Raises UnknownFunction, InstanceExists.
        """
        if name not in self._orchestrators:
            known = ", ".join(sorted(self._orchestrators)) or "none"
            raise UnknownFunction(f"The function app has no orchestrator named {name!r}; it has: {known}.")
        new_id = instance_id or uuid.uuid4().hex

        def create(records: Records) -> Consequences:
            existing = records.instance(new_id)
            if existing is not None and not existing.is_ended:
                raise InstanceExists(
                    f"An orchestration instance with the id {new_id!r} already exists and has not ended."
                )
            episode.create(
                records, self._clock.now(), name=name, instance_id=new_id, input_json=input_json, parent=None
            )
            return Consequences(ready=[new_id])

        self._follow(await self._history.write(create))
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

        def post(records: Records, _: InstanceStatus) -> Consequences:
            records.post(instance_id, None, events.event_raised(self._clock.now(), name=name, input_json=input_json))
            return Consequences(ready=[instance_id])

        await self._change(instance_id, post)

    async def terminate(self, instance_id: str, reason: str = "") -> None:
        """End it now; its children and running activities go on. Raises InstanceMissing, InstanceEnded."""

        def end(records: Records, instance: InstanceStatus) -> Consequences:
            ready = episode.end_instance(
                records, self._clock.now(), instance, RuntimeStatus.TERMINATED, json.dumps(reason)
            )
            return Consequences(ready=ready)

        await self._change(instance_id, end)

    async def suspend(self, instance_id: str, reason: str = "") -> None:
        """Keep its messages from it until `resume`. Raises InstanceMissing, InstanceEnded."""

        def hold(records: Records, instance: InstanceStatus) -> Consequences:
            records.put_instance(self._with_status(instance, RuntimeStatus.SUSPENDED))
            return Consequences()

        await self._change(instance_id, hold)
        log.info("An orchestration is suspended.", extra=_about("orchestration_suspended", instance_id, reason))

    async def resume(self, instance_id: str, reason: str = "") -> None:
        """Undo `suspend`. Raises InstanceMissing, InstanceEnded."""

        def release(records: Records, instance: InstanceStatus) -> Consequences:
            if instance.runtime_status is RuntimeStatus.SUSPENDED:
                records.put_instance(self._with_status(instance, RuntimeStatus.RUNNING))
            return Consequences(ready=[instance_id])

        await self._change(instance_id, release)
        log.info("An orchestration is resumed.", extra=_about("orchestration_resumed", instance_id, reason))

    async def purge(self, instance_id: str) -> bool:
        """Forget an ended instance. False if there is none of that id, or it has not ended."""

        def forget(records: Records) -> bool:
            instance = records.instance(instance_id)
            if instance is None or not instance.is_ended:
                return False
            records.purge(instance_id)
            return True

        return await self._history.write(forget)

    async def purge_by(
        self,
        *,
        statuses: Collection[str] | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> int:
        """Forget all ended instances that match; return how many."""
        wanted = ENDED if statuses is None else ENDED & set(statuses)

        def forget(records: Records) -> int:
            found = records.instances(statuses=wanted, created_from=created_from, created_to=created_to)
            for instance in found:
                records.purge(instance.instance_id)
            return len(found)

        return await self._history.write(forget)

    def _with_status(self, instance: InstanceStatus, status: RuntimeStatus) -> InstanceStatus:
        return replace(instance, runtime_status=status, updated_at=self._clock.now())

    async def _change(self, instance_id: str, work: Callable[[Records, InstanceStatus], Consequences]) -> None:
        def change(records: Records) -> Consequences:
            instance = records.instance(instance_id)
            if instance is None:
                raise InstanceMissing(f"There is no orchestration instance with the id {instance_id!r}.")
            if instance.is_ended:
                raise InstanceEnded(f"The orchestration instance {instance_id!r} has ended.")
            return work(records, instance)

        self._follow(await self._history.write(change))

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
        task_id = activity.key.task_id
        try:
            result = await self._activities.run(activity.name, activity.input_json)
        except PoolStopped:
            return
        except ActivityFailed as error:
            outcome = events.task_failed(self._clock.now(), task_id=task_id, reason=str(error))
        else:
            outcome = events.task_completed(self._clock.now(), task_id=task_id, result=result)
        await self._persist(self._delivery(activity.key, outcome))

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
