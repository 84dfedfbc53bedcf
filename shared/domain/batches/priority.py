"""Priority of a batch among those of its project: an extension of ours in the create call."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from shared.domain.parameters import choice


class Priority(StrEnum):
    """None starves another: each has its part, by `URGENCY`."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


URGENCY: Final[Mapping[Priority, int]] = {Priority.LOW: 1, Priority.NORMAL: 4, Priority.HIGH: 16}


def parse_priority(value: Any) -> Priority:
    """Raises InvalidRequest."""
    return Priority.NORMAL if value is None else choice("priority", value, Priority)
