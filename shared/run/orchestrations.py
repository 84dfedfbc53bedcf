"""What activities and timers ask of the durable client: to start an orchestration, and what became of one."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any, Protocol

_ALIVE = frozenset({"Running", "Pending", "Suspended", "ContinuedAsNew"})


class Orchestrations(Protocol):
    """The part of the durable client that they use."""

    async def get_status(self, instance_id: str, *, show_input: bool = False) -> Any: ...

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any | None = None
    ) -> str: ...


class State(Enum):
    """Of an orchestration; one is unknown that was never started, and one whose history is gone."""

    UNKNOWN = auto()
    ALIVE = auto()
    ENDED = auto()


async def state_of(client: Orchestrations, instance_id: str) -> State:
    status = await client.get_status(instance_id)
    if not status or status.runtime_status is None:
        return State.UNKNOWN
    return State.ALIVE if status.runtime_status.value in _ALIVE else State.ENDED
