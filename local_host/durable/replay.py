"""The real host's loop over an orchestrator's reply, with what it would do returned as data.

Rule: `decide` is pure, and does what the durable extension does with a reply (platform 3.5), traps included: the
actions are awaited one by one from the first; a compound is awaited as a whole; a failure surfaces only after every
action before it is complete. It must not read a clock, touch the store or call user code.

Task ids never cross the wire. Without retry actions, the id of a task is its index among the id-consuming actions in a
pre-order walk, on both sides.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from local_host.durable.effects import (
    Complete,
    ContinueAsNew,
    CreateTimer,
    Effect,
    Fail,
    ScheduleActivity,
    SetStatus,
    StartChild,
)
from local_host.durable.events import Event, EventType, described, parse_timestamp

_MARKER = "\n\n$OutOfProcData$:"


class NotEmulated(Exception):
    """The platform can do this, the local host cannot; the message names it."""


class NonDeterministic(Exception):
    """The orchestrator did something else than its history says; its code changed, reads a clock, or was rewound."""

    def __init__(self, found: str) -> None:
        super().__init__(f"Non-Deterministic workflow detected: {found}")


class ActionType(IntEnum):
    """What an orchestrator can ask for (platform 3.4)."""

    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


class Action(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One action as the SDK writes it; which members are set depends on the type."""

    action_type: ActionType
    function_name: str = ""
    input: str | None = None
    instance_id: str | None = None
    version: str | None = None
    fire_at: str = ""
    is_canceled: bool = False
    external_event_name: str = ""
    compound_actions: tuple[Action, ...] = ()


class Reply(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the SDK answers: every action since the start of this execution, and how it ended, if it did."""

    is_done: bool = False
    actions: tuple[tuple[Action, ...], ...] = ()
    output: msgspec.Raw = msgspec.Raw()
    custom_status: msgspec.Raw = msgspec.Raw()
    error: str | None = None


def read_reply(text: str) -> Reply:
    """The reply an orchestrator's handle returned. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Reply)


def read_failure(error: Exception) -> Reply:
    """The reply inside what the handle raised; any other exception is a failure that asks for no actions."""
    message, marker, reply = str(error).partition(_MARKER)
    if not marker:
        return Reply(error=f"{type(error).__name__}: {message}")
    return read_reply(reply)


def decide(history: Sequence[Event], reply: Reply) -> tuple[Effect, ...]:
    """What the host does next, given the whole history (new events included) and the reply to it.

    Raises NotEmulated or NonDeterministic.
    """
    walk = _Walk(actions=deque(reply.actions[0] if reply.actions else ()), scheduled=_scheduled(history))
    for event in history:
        walk.process(event)
    status = bytes(reply.custom_status).decode()
    return (*((SetStatus(status=status),) if status else ()), *walk.effects, *_ending(walk, reply))


def _scheduled(history: Sequence[Event]) -> dict[int, Event]:
    kinds = (EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED, EventType.TIMER_CREATED)
    return {event["EventId"]: event for event in history if event["EventType"] in kinds}


def _ending(walk: _Walk, reply: Reply) -> tuple[Effect, ...]:
    if not walk.finished:
        return ()
    if reply.error is not None:
        return (Fail(reason=reply.error),)
    if walk.restart is not None:
        unconsumed = tuple(event for events in walk.early.values() for event in events)
        return (ContinueAsNew(input=walk.restart.input, events=unconsumed),)
    if reply.is_done:
        return (Complete(output=bytes(reply.output).decode() or None),)
    return ()


@dataclass(slots=True, eq=False)
class _Task:
    """An action being awaited. `rule` says how a compound depends on its children."""

    done: bool = False
    children: tuple[_Task, ...] = ()
    rule: Callable[[Iterable[bool]], bool] | None = None

    def is_complete(self) -> bool:
        if self.rule is None or not self.children:
            return self.done
        return self.rule(child.is_complete() for child in self.children)


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The extension's coroutine: schedules the actions in order, each when all before it are complete.

    `scheduled` are the tasks that history already has, by id; `early` are the events nobody has waited for yet.
    """

    actions: deque[Action]
    scheduled: dict[int, Event]
    effects: list[Effect] = field(default_factory=list)
    early: dict[str, deque[Event]] = field(default_factory=lambda: defaultdict(deque))
    restart: Action | None = None
    finished: bool = False
    _tasks: list[_Task] = field(default_factory=list)
    _waiting: dict[str, list[_Task]] = field(default_factory=lambda: defaultdict(list))
    _current: _Task | None = None

    def process(self, event: Event) -> None:
        match event["EventType"]:
            case EventType.EXECUTION_STARTED:
                pass
            case EventType.TIMER_FIRED:
                self._complete(event["TimerId"])
            case (
                EventType.TASK_COMPLETED
                | EventType.TASK_FAILED
                | EventType.SUB_ORCHESTRATION_COMPLETED
                | EventType.SUB_ORCHESTRATION_FAILED
            ):
                self._complete(event["TaskScheduledId"])
            case EventType.EVENT_RAISED:
                self._raise(event)
            case EventType.TASK_SCHEDULED | EventType.SUB_ORCHESTRATION_CREATED | EventType.TIMER_CREATED:
                self._check_asked(event)
                return
            case _:
                return
        self._advance()

    def _check_asked(self, event: Event) -> None:
        """What was asked for once has to be asked for again by what went before it."""
        if event["EventId"] >= len(self._tasks):
            raise NonDeterministic(
                f"A previous execution of this orchestration scheduled {described(event)} but the current replay "
                "execution hasn't (yet?) scheduled this task. Was a change made to the orchestrator code after this "
                "instance had already started running?"
            )

    def _complete(self, task_id: int) -> None:
        if task_id >= len(self._tasks):
            raise NonDeterministic(f"task {task_id} is complete in the history, but this code has not asked for it.")
        self._tasks[task_id].done = True

    def _raise(self, event: Event) -> None:
        waiting = self._waiting[event["Name"]]
        if waiting:  # The newest waiter first, as the extension keeps them on a stack.
            waiting.pop().done = True
        else:
            self.early[event["Name"]].append(event)

    def _advance(self) -> None:
        while self._current is None or self._current.is_complete():
            if not self.actions:
                self.finished = True
                return
            self._current = self._schedule(self.actions.popleft())

    def _schedule(self, action: Action) -> _Task:
        match action.action_type:
            case ActionType.WHEN_ALL:
                return self._compound(action, all)
            case ActionType.WHEN_ANY:
                return self._compound(action, any)
            case ActionType.WAIT_FOR_EXTERNAL_EVENT:
                return self._wait(action.external_event_name)
            case ActionType.CONTINUE_AS_NEW:
                self.restart = action
                return self._numbered(done=True)
            case ActionType.CALL_ACTIVITY | ActionType.CALL_SUB_ORCHESTRATOR | ActionType.CREATE_TIMER:
                return self._atomic(action)
            case _:
                raise NotEmulated(f"The local host does not emulate the durable action {action.action_type.name}.")

    def _compound(self, action: Action, rule: Callable[[Iterable[bool]], bool]) -> _Task:
        children = tuple(self._schedule(child) for child in action.compound_actions)
        return _Task(children=children, rule=rule, done=True)

    def _wait(self, name: str) -> _Task:
        task = _Task()
        if self.early[name]:
            self.early[name].popleft()
            task.done = True
        else:
            self._waiting[name].append(task)
        return task

    def _numbered(self, *, done: bool) -> _Task:
        task = _Task(done=done)
        self._tasks.append(task)
        return task

    def _atomic(self, action: Action) -> _Task:
        task_id = len(self._tasks)
        task = self._numbered(done=action.action_type is ActionType.CREATE_TIMER and action.is_canceled)
        if task_id in self.scheduled:
            _check_same(action, self.scheduled[task_id])
        elif not task.done:  # A timer cancelled before the host ever saw it needs none.
            self.effects.append(_effect(task_id, action))
        return task


_EVENT_OF = {
    ActionType.CALL_ACTIVITY: EventType.TASK_SCHEDULED,
    ActionType.CALL_SUB_ORCHESTRATOR: EventType.SUB_ORCHESTRATION_CREATED,
    ActionType.CREATE_TIMER: EventType.TIMER_CREATED,
}


def _check_same(action: Action, event: Event) -> None:
    if _EVENT_OF[action.action_type] != event["EventType"] or action.function_name != event.get("Name", ""):
        raise NonDeterministic(
            f"task {event['EventId']} is {EventType(event['EventType']).name} {event.get('Name', '')} in the history, "
            f"but this code asks for {action.action_type.name} {action.function_name}."
        )


def _effect(task_id: int, action: Action) -> Effect:
    if action.version is not None:
        raise NotEmulated("The local host does not emulate versions of sub-orchestrations.")
    if action.action_type is ActionType.CALL_ACTIVITY:
        return ScheduleActivity(task_id=task_id, name=action.function_name, input=action.input or "null")
    if action.action_type is ActionType.CREATE_TIMER:
        return CreateTimer(task_id=task_id, fire_at=parse_timestamp(action.fire_at))
    return StartChild(task_id=task_id, name=action.function_name, instance_id=action.instance_id, input=action.input)
