"""What a heartbeat tells of its lane."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.pace.heartbeat import Heartbeat

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("beat", "deadline", "sick", "rest"),
    [
        ({}, None, True, 0.0),  # no pause
        ({"paused_until": after(40), "asked": True}, None, False, 40.0),
        ({"paused_until": after(40)}, None, True, 40.0),  # the slice before found the upstream sick
        ({"paused_until": after(40)}, None, False, 0.0),  # it waits for an operator, who may have come
        ({"paused_until": after(40), "queued": True}, None, True, 0.0),  # for its turn
        ({"paused_until": after(-1), "asked": True}, None, False, 0.0),
        ({"paused_until": after(40), "asked": True}, after(30), False, 30.0),
        ({"paused_until": after(40), "asked": True}, after(-30), False, 0.0),
        ({"paused_until": after(40), "asked": True, "at": after(1)}, None, False, 0.0),  # the clock was set back
    ],
)
def test_the_rest_of_a_pause(beat: dict[str, Any], deadline: datetime | None, sick: bool, rest: float) -> None:
    """A pause holds where the upstream asked for it or is sick, never past the batch's deadline."""
    said = Heartbeat(**{"deployment": "m", "batch_id": "b", "lane": 0, "at": after(-5)} | beat)

    assert rest == said.rest_of_pause(NOON, deadline, sick=sick)
