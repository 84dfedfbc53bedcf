"""Priority of a batch among those of its project: an extension of ours in the create call."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from shared.domain.parameters import unsupported, wrong_type


class Priority(StrEnum):
    """None starves another: each has its part, by `URGENCY`."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


URGENCY: Final[Mapping[Priority, int]] = {Priority.LOW: 1, Priority.NORMAL: 4, Priority.HIGH: 16}


def parse_priority(value: Any) -> Priority:
    """Raises InvalidRequest."""
    if value is None:
        return Priority.NORMAL
    if not isinstance(value, str):
        raise wrong_type("priority", "a string", value)
    if value not in list(Priority):
        raise unsupported("priority", value, [each.value for each in Priority])
    return Priority(value)
