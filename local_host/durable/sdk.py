"""The durable SDK, called the way the real worker calls it: one orchestrator, one history, one reply.

Rule: the only file that calls user code of an orchestrator. Whatever that code does comes back as a reply.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache

import azure.functions as func
import msgspec
from azure.durable_functions.models.history import HistoryEvent

from local_host.durable import replay
from local_host.durable.events import Event, EventType
from local_host.durable.instance import InstanceStatus

Orchestrator = Callable[[func.OrchestrationContext], str]
Orchestrators = Mapping[str, Orchestrator]

_READ_PAST = frozenset(
    {
        EventType.TASK_SCHEDULED,
        EventType.SUB_ORCHESTRATION_CREATED,
        EventType.TIMER_CREATED,
        EventType.ORCHESTRATOR_COMPLETED,
    }
)


def prepare() -> None:
    """Once per process: quieter and faster replays.

    The SDK warns of its own replay (a late sibling of a settled task) and of its own decoding; neither is news. And
    nine tenths of a replay are spent on parsing the same timestamps as the time before.
    """
    warnings.filterwarnings("ignore", module=r"azure\.(durable_)?functions")
    module = sys.modules[HistoryEvent.__module__]
    if not hasattr(module.dt_parse, "cache_info"):
        module.dt_parse = lru_cache(maxsize=10_000)(module.dt_parse)  # type: ignore[attr-defined]


def invocation(instance: InstanceStatus, history: list[Event]) -> str:
    """What the extension sends to the worker (platform 3.1), without the events that the SDK reads past (platform 3.2).

    The SDK takes 0.1 ms to parse one event, and half of them say only that something was asked for.
    """
    return json.dumps(
        {
            "history": [event for event in history if event["EventType"] not in _READ_PAST],
            "input": instance.input_json,
            "instanceId": instance.instance_id,
            "isReplaying": False,
            "parentInstanceId": instance.parent.instance_id if instance.parent else None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


def ask(handle: Orchestrator, body: str) -> replay.Reply:
    """Replay the orchestrator. A mistake in its code becomes a reply that fails the instance."""
    try:
        outcome: str | Exception = handle(func.OrchestrationContext(body))
    except Exception as error:  # The protocol's way to say "failed", or a mistake outside the protocol.
        outcome = error
    try:
        return replay.read_failure(outcome) if isinstance(outcome, Exception) else replay.read_reply(outcome)
    except (msgspec.DecodeError, TypeError) as error:
        return replay.Reply(error=f"the orchestrator's reply is not what the durable SDK writes: {error}")
