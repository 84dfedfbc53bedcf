"""Priority of a batch among those of its project: an extension of ours, as high as the caller's key allows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from shared.domain.errors import InvalidRequest
from shared.domain.parameters import choice


class Priority(StrEnum):
    """From the lowest to the highest. None starves another: each has its part, by `URGENCY`."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


URGENCY: Final[Mapping[Priority, int]] = {Priority.LOW: 1, Priority.NORMAL: 4, Priority.HIGH: 16}


def lower(one: Priority, other: Priority) -> Priority:
    return min(one, other, key=URGENCY.__getitem__)


def up_to(most: Priority) -> list[Priority]:
    """Those that a key allows."""
    return [each for each in Priority if URGENCY[each] <= URGENCY[most]]


def parse_priority(value: Any, most: Priority = Priority.HIGH) -> Priority:
    """What the field `priority` asks for of a key that allows `most`. Raises InvalidRequest."""
    if value is None:
        return lower(Priority.NORMAL, most)
    wanted = choice("priority", value, Priority)
    if lower(wanted, most) is not wanted:
        raise InvalidRequest(
            f"This API key allows no 'priority' above '{most}'. Leave 'priority' out or send '{most}', or have an "
            "administrator raise the key's 'max_priority'.",
            code="priority_not_allowed",
            param="priority",
        )
    return wanted
