"""One step of one orchestration instance, as one transaction: read its messages, replay, write what follows.

Rule: everything here runs inside `History.write`, on its thread, one instance at a time; what is to happen in the world
is written to the outbox and returned, never done. An orchestrator's mistake fails its instance, never the host.
"""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime

from local_host.durable import effects, events, replay, sdk
from local_host.durable.effects import Effect
from local_host.durable.events import Event
from local_host.durable.history import PendingActivity, PendingTimer, Records, TaskKey
from local_host.durable.instance import ENDED, InstanceStatus, Parent, RuntimeStatus
from local_host.durable.sdk import Orchestrators
from local_host.workers import failures
from local_host.workers.failures import Failure

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Consequences:
    """What to do once the transaction is on the disk. `ready`: instances that now have messages."""

    activities: list[PendingActivity] = field(default_factory=list)
    timers: list[PendingTimer] = field(default_factory=list)
    ready: list[str] = field(default_factory=list)


def create(
    records: Records, now: datetime, *, name: str, instance_id: str, input_json: str | None, parent: Parent | None
) -> None:
    """A new instance with its first message; what was known under this id is forgotten, also if it still runs.

    Except for the output of one that a child replaces: as on the platform, that shows until the child has its own.
    """
    replaced = records.instance(instance_id)
    records.purge(instance_id)
    instance = InstanceStatus(
        instance_id=instance_id,
        execution_id=uuid.uuid4().hex,
        name=name,
        runtime_status=RuntimeStatus.PENDING,
        input_json=input_json,
        output_json=replaced.output_json if replaced and parent else None,
        created_at=now,
        updated_at=now,
        parent=parent,
    )
    records.put_instance(instance)
    _post_start(records, now, instance)


def _post_start(records: Records, now: datetime, instance: InstanceStatus) -> None:
    started = events.execution_started(
        now,
        name=instance.name,
        instance_id=instance.instance_id,
        execution_id=instance.execution_id,
        input_json=instance.input_json,
        parent_id=instance.parent.instance_id if instance.parent else None,
    )
    records.post(instance.instance_id, instance.execution_id, started)


def unfinished(records: Records) -> tuple[list[InstanceStatus], Consequences]:
    """Every instance that has not ended, and all there is to do at a start."""
    instances = records.instances(statuses=[status for status in RuntimeStatus if status not in ENDED])
    found = Consequences(
        activities=records.pending_activities(), timers=records.pending_timers(), ready=records.waiting_instances()
    )
    return instances, found


def run_episode(records: Records, now: datetime, orchestrators: Orchestrators, instance_id: str) -> Consequences:
    """Let the instance see its messages; they stay where they are while it is suspended or its code is gone."""
    instance = records.instance(instance_id)
    if instance is None:
        records.purge(instance_id)  # An answer to a parent that was purged meanwhile.
        return Consequences()
    if instance.runtime_status is RuntimeStatus.SUSPENDED or instance.name not in orchestrators:
        return Consequences()
    messages = records.take_messages(instance_id, instance.execution_id)
    if instance.is_ended or not messages:
        return Consequences()
    return _Episode(records, now, orchestrators, instance).run(messages)


def end_instance(
    records: Records,
    now: datetime,
    instance: InstanceStatus,
    status: RuntimeStatus,
    output_json: str | None,
) -> list[str]:
    """End it, tell its parent, and return whom that made ready. The output of a failure is its reason, in JSON.

    Without an output the one that it shows stays: of a child it replaced, of a failure rewound, a reason to suspend it.
    """
    instance_id = instance.instance_id
    shown = instance.output_json if output_json is None else output_json
    records.put_instance(replace(instance, runtime_status=status, output_json=shown, updated_at=now))
    records.remove_timers(instance_id)
    records.take_messages(instance_id, instance.execution_id)
    if instance.parent is None:
        return []
    answer = _answer(now, instance.parent.task_id, instance.name, status, output_json)
    records.post(instance.parent.instance_id, instance.parent.execution_id, answer)
    return [instance.parent.instance_id]


def _answer(now: datetime, task_id: int, name: str, status: RuntimeStatus, output_json: str | None) -> Event:
    """What the parent of an ended instance is told."""
    if status is RuntimeStatus.COMPLETED:
        return events.child_completed(now, task_id=task_id, result=output_json)
    reason = json.loads(output_json or '""')
    failure = (
        failures.of_child(name, reason) if status is RuntimeStatus.FAILED else Failure(reason=reason, details=None)
    )
    return events.child_failed(now, task_id=task_id, reason=failure.reason, details=failure.details)


class _Episode:
    """The step itself: replay, then turn each effect into rows and consequences."""

    def __init__(self, records: Records, now: datetime, orchestrators: Orchestrators, instance: InstanceStatus) -> None:
        self._records = records
        self._now = now
        self._orchestrators = orchestrators
        self._instance = replace(instance, runtime_status=RuntimeStatus.RUNNING, updated_at=now)
        self._id = instance.instance_id
        self._new: list[Event] = []
        self._consequences = Consequences()

    def run(self, messages: list[Event]) -> Consequences:
        past = self._records.events(self._id)
        self._new = [events.orchestrator_started(self._now), *messages]
        decided = self._decide([{**event, "IsPlayed": True} for event in past] + self._new)
        for effect in decided:
            self._apply(effect)
        self._new.append(events.orchestrator_completed(self._now))
        self._records.append_events(self._id, len(past), self._new)
        self._records.put_instance(self._instance)
        self._finish(decided[-1] if decided else None)
        return self._consequences

    def _decide(self, history: list[Event]) -> tuple[Effect, ...]:
        reply = sdk.ask(self._orchestrators[self._instance.name], sdk.invocation(self._instance, history))
        try:
            return replay.decide(history, reply)
        except replay.NotEmulated as error:
            return (effects.Fail(reason=str(error)),)
        except replay.NonDeterministic as error:
            return (effects.Fail(reason=str(error), by_host=True),)

    def _key(self, task_id: int) -> TaskKey:
        return TaskKey(instance_id=self._id, execution_id=self._instance.execution_id, task_id=task_id)

    def _apply(self, effect: Effect) -> None:
        match effect:
            case effects.SetStatus(status=status):
                self._instance = replace(self._instance, custom_status_json=status)
            case effects.ScheduleActivity(task_id=task_id, name=name, input=input):
                activity = PendingActivity(key=self._key(task_id), name=name, input_json=input)
                self._new.append(events.task_scheduled(self._now, task_id=task_id, name=name))
                self._records.add_activity(activity)
                self._consequences.activities.append(activity)
            case effects.CreateTimer(task_id=task_id, fire_at=fire_at):
                timer = PendingTimer(key=self._key(task_id), fire_at=fire_at)
                self._new.append(events.timer_created(self._now, task_id=task_id, fire_at=fire_at))
                self._records.add_timer(timer)
                self._consequences.timers.append(timer)
            case effects.StartChild():
                self._start_child(effect)

    def _start_child(self, effect: effects.StartChild) -> None:
        child_id = effect.instance_id or f"{self._instance.execution_id}:{effect.task_id}"
        self._new.append(
            events.child_created(self._now, task_id=effect.task_id, name=effect.name, instance_id=child_id)
        )
        problem = self._problem_with_child(effect.name, child_id)
        if problem:
            failed = events.child_failed(self._now, task_id=effect.task_id, reason=problem)
            self._records.post(self._id, self._instance.execution_id, failed)
            self._consequences.ready.append(self._id)
            return
        parent = Parent(instance_id=self._id, execution_id=self._instance.execution_id, task_id=effect.task_id)
        create(self._records, self._now, name=effect.name, instance_id=child_id, input_json=effect.input, parent=parent)
        self._consequences.ready.append(child_id)

    def _problem_with_child(self, name: str, child_id: str) -> str | None:
        if name not in self._orchestrators:
            return f"The function app has no orchestrator named '{name}'."
        if child_id == self._id:
            return f"The id '{child_id}' is that of the orchestration itself; give the child another id."
        return None

    def _finish(self, effect: Effect | None) -> None:
        match effect:
            case effects.Complete(output=output):
                self._end(RuntimeStatus.COMPLETED, output)
            case effects.Fail(reason=error, by_host=by_host):
                reason = error if by_host else failures.of_orchestrator(self._instance.name, error)
                log.warning(
                    "An orchestration failed.",
                    extra={"action": "orchestration_failed", "instance_id": self._id, "function": self._instance.name},
                )
                self._end(RuntimeStatus.FAILED, json.dumps(reason))
            case effects.ContinueAsNew(input=input, events=carried):
                self._restart(input, carried)

    def _end(self, status: RuntimeStatus, output_json: str | None) -> None:
        self._consequences.ready += end_instance(self._records, self._now, self._instance, status, output_json)

    def _restart(self, input_json: str | None, carried: tuple[Event, ...]) -> None:
        """The next generation: the same instance and parent, an empty history, a new execution id."""
        self._records.clear_events(self._id)
        self._records.remove_timers(self._id)
        instance = replace(self._instance, execution_id=uuid.uuid4().hex, input_json=input_json)
        self._records.put_instance(instance)
        _post_start(self._records, self._now, instance)
        for event in carried:
            self._records.post(self._id, None, event)
        self._consequences.ready.append(self._id)
