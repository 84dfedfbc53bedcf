"""The events of an orchestration's history, as the durable extension writes them (platform 3.2).

Rule: an event is the plain dict that goes to the SDK; only this file knows which members a kind has. `IsPlayed` is set
by whoever sends a history, for an event is new exactly once.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """The numbers are the platform's."""

    EXECUTION_STARTED = 0
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_RAISED = 15
    GENERIC = 17


def timestamp(at: datetime) -> str:
    """ISO 8601 in UTC with seven fractional digits, as .NET writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def parse_timestamp(text: str) -> datetime:
    """Any ISO 8601 time; one without a zone is UTC."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _event(kind: EventType, at: datetime, event_id: int = -1, **members: Any) -> Event:
    return {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": timestamp(at), **members}


def orchestrator_started(at: datetime) -> Event:
    return _event(EventType.ORCHESTRATOR_STARTED, at)


def orchestrator_completed(at: datetime) -> Event:
    return _event(EventType.ORCHESTRATOR_COMPLETED, at)


def execution_started(
    at: datetime, *, name: str, instance_id: str, execution_id: str, input_json: str | None, parent_id: str | None
) -> Event:
    """`Version` has to be there: the SDK reads it without asking."""
    return _event(
        EventType.EXECUTION_STARTED,
        at,
        Name=name,
        Version="",
        Input=None if input_json is None else json.dumps(input_json),
        OrchestrationInstance={"InstanceId": instance_id, "ExecutionId": execution_id},
        ParentInstance=None if parent_id is None else {"OrchestrationInstance": {"InstanceId": parent_id}},
        Tags=None,
        Correlation=None,
        ScheduledStartTime=None,
        Generation=0,
    )


def task_scheduled(at: datetime, *, task_id: int, name: str) -> Event:
    return _event(EventType.TASK_SCHEDULED, at, task_id, Name=name, Version="", Input=None)


def task_completed(at: datetime, *, task_id: int, result: str) -> Event:
    return _event(EventType.TASK_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def task_failed(at: datetime, *, task_id: int, reason: str, details: str | None = "") -> Event:
    return _event(EventType.TASK_FAILED, at, TaskScheduledId=task_id, Reason=reason, Details=details)


def child_created(at: datetime, *, task_id: int, name: str, instance_id: str) -> Event:
    return _event(
        EventType.SUB_ORCHESTRATION_CREATED, at, task_id, Name=name, Version="", InstanceId=instance_id, Input=None
    )


def child_completed(at: datetime, *, task_id: int, result: str | None) -> Event:
    return _event(EventType.SUB_ORCHESTRATION_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def child_failed(at: datetime, *, task_id: int, reason: str, details: str | None = "") -> Event:
    return _event(EventType.SUB_ORCHESTRATION_FAILED, at, TaskScheduledId=task_id, Reason=reason, Details=details)


def timer_created(at: datetime, *, task_id: int, fire_at: datetime) -> Event:
    return _event(EventType.TIMER_CREATED, at, task_id, FireAt=timestamp(fire_at))


def timer_fired(at: datetime, *, task_id: int, fire_at: datetime) -> Event:
    return _event(EventType.TIMER_FIRED, at, TimerId=task_id, FireAt=timestamp(fire_at))


def event_raised(at: datetime, *, name: str, input_json: str) -> Event:
    """`input_json` is JSON text, quoted once more: as on the platform, the orchestrator gets it as a string."""
    return _event(EventType.EVENT_RAISED, at, Name=name, Input=json.dumps(input_json))


def generic(at: datetime, *, data: str) -> Event:
    """Wakes an instance and means nothing to it."""
    return _event(EventType.GENERIC, at, Data=data)


def described(event: Event) -> str:
    """The task that the event says was asked for, as the platform words it."""
    task_id, name = event["EventId"], event.get("Name", "")
    match event["EventType"]:
        case EventType.TIMER_CREATED:
            return f"a timer task with sequence number {task_id}"
        case EventType.TASK_SCHEDULED:
            return f"an activity task with sequence ID {task_id} and name '{name}' (version ''),"
        case _:
            instance = f"instance ID '{event['InstanceId']}'"
            return f"a sub-orchestration task with sequence ID {task_id} and name '{name}' (version '', {instance}),"
