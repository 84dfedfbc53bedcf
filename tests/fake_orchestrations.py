"""A durable client for activities and timers, and the activity that needs one as tests of a run call it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from activities import finish_batch as product


@dataclass
class FakeOrchestrations:
    """Knows what became of each instance, and those it started; `refused` cannot be started."""

    statuses: dict[str, str] = field(default_factory=dict)
    started: list[tuple[str, str | None, Any]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    turned_at: dict[str, datetime] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    purged: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    async def get_status(self, instance_id: str) -> Any:
        self.asked[instance_id] += 1
        status = self.statuses.get(instance_id)
        if not status:
            return None
        turned_at, output = self.turned_at.get(instance_id), self.outputs.get(instance_id)
        return SimpleNamespace(runtime_status=SimpleNamespace(value=status), last_updated_time=turned_at, output=output)

    async def get_status_by(self, *, instance_id_prefix: str) -> list[Any]:
        found = [instance_id for instance_id in self.statuses if instance_id.startswith(instance_id_prefix)]
        return [
            SimpleNamespace(instance_id=one, runtime_status=SimpleNamespace(value=self.statuses[one])) for one in found
        ]

    async def terminate(self, instance_id: str, reason: str) -> None:
        self.statuses[instance_id], self.outputs[instance_id] = "Terminated", reason

    async def purge_instance_history(self, instance_id: str) -> None:
        self.purged.append(instance_id)
        del self.statuses[instance_id], self.outputs[instance_id]

    async def start_new(self, name: str, instance_id: str | None = None, client_input: Any | None = None) -> str:
        if instance_id in self.refused:
            raise RuntimeError("down")
        self.started.append((name, instance_id, client_input))
        self.statuses[instance_id or ""] = "Running"
        return instance_id or ""


async def finish_batch(at: dict[str, Any]) -> dict[str, Any]:
    """The activity, with a durable client of its own."""
    return await product.finish_batch(at, FakeOrchestrations())
