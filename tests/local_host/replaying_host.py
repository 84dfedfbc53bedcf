"""A host of one orchestration for the tests of `replay`: virtual time, answers from tables, deliveries of a chosen size."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func

from local_host.durable import effects, events, replay
from local_host.durable.events import Event
from local_host.durable.sdk import Orchestrator
from tests.local_host.orchestrations import ORCHESTRATORS

START = datetime(2026, 11, 22, 10, 0, 0, 500_000, tzinfo=UTC)
DETAILS = '{"$type":"System.Exception",...}'


@dataclass(kw_only=True)
class ReplayingHost:
    """Activities are answered after `latency` seconds (default 0.01) by `answers`; one that raises fails.

    `generations` are the histories that continue-as-new has put an end to.
    """

    orchestrator: str
    handles: Mapping[str, Orchestrator] = field(default_factory=lambda: ORCHESTRATORS)
    input: str | None
    answers: Mapping[str, Callable[[Any], Any]]
    latency: Mapping[str, float] = field(default_factory=dict)
    children: Mapping[str, Event] = field(default_factory=dict)
    raised: tuple[tuple[str, Any], ...] = ()
    now: datetime = START
    history: list[Event] = field(default_factory=list)
    generations: list[tuple[str | None, list[Event]]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    scheduled_at: list[tuple[str, float]] = field(default_factory=list)
    ending: effects.Effect | None = None
    _due: list[tuple[datetime, int, Event]] = field(default_factory=list)

    def run(self, size: int) -> ReplayingHost:
        """To the end, `size` messages at a time."""
        self._begin(self.input)
        for name, value in self.raised:
            self._later(1.0, events.event_raised(self.now, name=name, input_json=json.dumps(value)))
        messages: list[Event] = []
        while self.ending is None:
            self._wake(messages)
            if self.ending is None and not self._due:
                raise AssertionError("the orchestration waits for nothing that could happen")
            messages = [self._next() for _ in range(min(size, len(self._due)))]
        return self

    def _begin(self, input_json: str | None) -> None:
        self.input = input_json
        started = events.execution_started(
            self.now, name="orch", instance_id="b1", execution_id="exec", input_json=input_json, parent_id=None
        )
        self.history = [events.orchestrator_started(self.now), started]

    def _later(self, seconds: float, event: Event) -> None:
        heapq.heappush(
            self._due, (self.now + timedelta(seconds=seconds), len(self.history) * 100 + len(self._due), event)
        )

    def _next(self) -> Event:
        at, _, event = heapq.heappop(self._due)
        self.now = max(self.now, at)
        return event

    def _wake(self, messages: list[Event]) -> None:
        if messages:
            for event in self.history:
                event["IsPlayed"] = True
            self.history += [events.orchestrator_started(self.now), *messages]
        decided = replay.decide(self.history, self._ask())
        for effect in decided:
            self._apply(effect)
        if decided and isinstance(decided[-1], effects.ContinueAsNew):
            self._wake([])
        elif not isinstance(self.ending, effects.Fail):
            self.history.append(events.orchestrator_completed(self.now))

    def _ask(self) -> replay.Reply:
        body = {
            "history": self.history, "input": self.input, "instanceId": "b1", "isReplaying": False,
            "parentInstanceId": None, "upperSchemaVersion": 1, "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": "3.00:00:00", "maximumShortTimerDuration": "6.00:00:00",
        }  # fmt: skip
        try:
            text = self.handles[self.orchestrator](func.OrchestrationContext(json.dumps(body)))
        except Exception as error:
            self._note(str(error).partition("$OutOfProcData$:")[2])
            return replay.read_failure(error)
        self._note(text)
        return replay.read_reply(text)

    def _note(self, text: str) -> None:
        reply = json.loads(text)
        if not self.replies or self.replies[-1] != reply:
            self.replies.append(reply)

    def _apply(self, effect: effects.Effect) -> None:
        match effect:
            case effects.ScheduleActivity():
                self.history.append(events.task_scheduled(self.now, task_id=effect.task_id, name=effect.name))
                self.scheduled_at.append((effect.input, (self.now - START).total_seconds()))
                self._later(self.latency.get(effect.name, 0.01), self._answer(effect))
            case effects.CreateTimer():
                self.history.append(events.timer_created(self.now, task_id=effect.task_id, fire_at=effect.fire_at))
                fired = events.timer_fired(self.now, task_id=effect.task_id, fire_at=effect.fire_at)
                self._later((effect.fire_at - self.now).total_seconds(), fired)
            case effects.StartChild():
                child = effect.instance_id or f"exec:{effect.task_id}"
                created = events.child_created(self.now, task_id=effect.task_id, name=effect.name, instance_id=child)
                self.history.append(created)
                self._later(0.01, self.children[effect.name] | {"TaskScheduledId": effect.task_id})
            case effects.ContinueAsNew():
                self.generations.append((self.input, self.history))
                self._begin(effect.input)
            case effects.Complete() | effects.Fail():
                self.ending = effect

    def _answer(self, effect: effects.ScheduleActivity) -> Event:
        try:
            result = json.dumps(self.answers[effect.name](json.loads(effect.input)))
        except Exception as error:
            reason = f"Activity function '{effect.name}' failed: {type(error).__name__}: {error}"
            return events.task_failed(self.now, task_id=effect.task_id, reason=reason) | {"Details": DETAILS}
        return events.task_completed(self.now, task_id=effect.task_id, result=result)
