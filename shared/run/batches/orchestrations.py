"""What activities and timers ask of the durable client: to start an orchestration, to end one, what became of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

_ALIVE = frozenset({"Running", "Pending", "Suspended", "ContinuedAsNew"})


class Orchestrations(Protocol):
    """The part of the durable client that they use."""

    async def get_status(self, instance_id: str, *, show_input: bool = False) -> Any: ...

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any | None = None
    ) -> str: ...

    async def get_status_by(self, *, instance_id_prefix: str) -> list[Any]: ...

    async def terminate(self, instance_id: str, reason: str) -> None: ...

    async def purge_instance_history(self, instance_id: str) -> Any: ...


class State(Enum):
    """Where an orchestration stands. UNKNOWN: it was never started, or its history is gone."""

    UNKNOWN = auto()
    ALIVE = auto()
    ENDED = auto()


LONGEST_TOLD = 300


@dataclass(frozen=True, slots=True)
class Seen:
    """An orchestration as the durable host shows it: `status` in its words, `turned_at` its last turn."""

    state: State
    status: str = ""
    turned_at: datetime | None = None
    output: Any = None

    @property
    def told(self) -> str:
        """Its status and the reason that it gave, for a log."""
        reason = self.output.get("reason", self.output) if isinstance(self.output, dict) else self.output
        return f"{self.status}: {reason}"[:LONGEST_TOLD]


async def terminate_all(client: Orchestrations, prefix: str, reason: str) -> None:
    """Every instance that has not ended and whose id begins so. Ending one ends none of those that it has started."""
    for status in await client.get_status_by(instance_id_prefix=prefix):
        if status.runtime_status is not None and status.runtime_status.value in _ALIVE:
            await client.terminate(status.instance_id, reason)


async def look_at(client: Orchestrations, instance_id: str) -> Seen:
    status = await client.get_status(instance_id)
    if not status or status.runtime_status is None:
        return Seen(State.UNKNOWN)
    word: str = status.runtime_status.value
    state = State.ALIVE if word in _ALIVE else State.ENDED
    return Seen(state, word, status.last_updated_time, status.output)
