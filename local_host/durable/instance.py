"""One orchestration instance: what is known of it beside its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RuntimeStatus(StrEnum):
    """The platform's names."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"


ENDED = frozenset({RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.TERMINATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The task of another instance that waits for this one."""

    instance_id: str
    execution_id: str
    task_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceStatus:
    """`execution_id` changes with every generation (continue-as-new). The `_json` members are JSON text."""

    instance_id: str
    execution_id: str
    name: str
    runtime_status: RuntimeStatus
    input_json: str | None
    output_json: str | None = None
    custom_status_json: str | None = None
    created_at: datetime
    updated_at: datetime
    parent: Parent | None = None

    @property
    def is_ended(self) -> bool:
        return self.runtime_status in ENDED
