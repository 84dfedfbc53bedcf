"""Rewind: a failed instance, and its failed children, go on from before what failed.

Rule: it does to events what DurableTask's storage back end does to their rows (RewindHistoryAsync), traps included.
What tells of a failure becomes a row without meaning: failed activities with what asked for them, failed children
without, for the child is rewound and answers again. What the code did *because* of a failure stays: a timer that it
created then follows from nothing, and the next replay fails as non-deterministic.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from local_host.durable import events
from local_host.durable.events import Event, EventType
from local_host.durable.history import Records
from local_host.durable.instance import RuntimeStatus
from local_host.durable.refusals import InstanceMissing


def rewind(records: Records, now: datetime, instance_id: str, reason: str) -> list[str]:
    """Rewind it and return the instances that now have a message: the deepest that had failed, which go on first.

    Raises InstanceMissing, also for a child that was purged.
    """
    instance = records.instance(instance_id)
    if instance is None:
        raise InstanceMissing(f"There is no orchestration instance with the id {instance_id!r} to rewind.")
    past = records.events(instance_id)
    activities = _tasks_of(past, EventType.TASK_FAILED)
    children = _tasks_of(past, EventType.SUB_ORCHESTRATION_FAILED)
    records.clear_events(instance_id)
    records.append_events(instance_id, 0, [_rewound(event, activities) for event in past])
    records.put_instance(replace(instance, runtime_status=RuntimeStatus.PENDING, updated_at=now))
    if not children:
        records.post(instance_id, instance.execution_id, events.generic(now, data=reason))
        return [instance_id]
    ids = [event["InstanceId"] for event in past if _asked_for(event, EventType.SUB_ORCHESTRATION_CREATED, children)]
    return [leaf for child_id in ids for leaf in rewind(records, now, child_id, reason)]


def _tasks_of(past: list[Event], failed: EventType) -> set[int]:
    return {event["TaskScheduledId"] for event in past if event["EventType"] == failed}


def _asked_for(event: Event, kind: EventType, task_ids: set[int]) -> bool:
    return event["EventType"] == kind and event["EventId"] in task_ids


def _rewound(event: Event, failed_activities: set[int]) -> Event:
    is_failure = event["EventType"] in (EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED)
    if is_failure or _asked_for(event, EventType.TASK_SCHEDULED, failed_activities):
        kind = EventType(event["EventType"]).name
        return {**event, "EventType": int(EventType.GENERIC), "Reason": f"Rewound: {kind}"}
    return event
