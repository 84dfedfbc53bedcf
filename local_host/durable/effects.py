"""What an orchestration's step leads to, as data: `replay.decide` returns effects, `episode` applies them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from local_host.durable.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleActivity:
    """`input` is JSON text."""

    task_id: int
    name: str
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChild:
    """A sub-orchestration; an `instance_id` of None is for the host to choose. `input` is JSON text."""

    task_id: int
    name: str
    instance_id: str | None
    input: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTimer:
    task_id: int
    fire_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """`status` is JSON text."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The orchestrator returned; `output` is JSON text, None for nothing."""

    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """`by_host`: it was not the orchestrator's code that said so."""

    reason: str
    by_host: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueAsNew:
    """Begin again with `input` (JSON text); `events` were raised and nobody waited for them yet: they carry over."""

    input: str | None
    events: tuple[Event, ...]


Effect = ScheduleActivity | StartChild | CreateTimer | SetStatus | Complete | Fail | ContinueAsNew
