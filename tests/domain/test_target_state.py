"""How targets fare, by what the lanes of a batch say of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.pace.deployment_health import Health
from shared.domain.pace.heartbeat import Heartbeat, TargetBeat
from shared.domain.pace.target_state import TargetState, target_states

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOON, LATER = NOON + timedelta(seconds=5), NOON + timedelta(seconds=20)
WELL = TargetBeat(target="a")
SLOW = TargetBeat(target="a", reason="It is slow.")
PROBED = TargetBeat(target="a", sick=True)
RESTS = TargetBeat(target="a", sick=True, paused_until=SOON, reason="It is down.")
RESTS_LONGER = TargetBeat(target="a", sick=True, paused_until=LATER, reason="It is down.")
RESTED = TargetBeat(target="a", sick=True, paused_until=NOON, reason="It was down.")
DOWN = TargetState(name="a", status=Health.PAUSED, until=SOON, reason="It is down.")


def beat(lane: int, *said: TargetBeat, at: datetime = NOON, paused_until: datetime | None = None) -> Heartbeat:
    return Heartbeat(deployment="m", batch_id="b", lane=lane, at=at, targets=said, paused_until=paused_until)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([WELL], TargetState(name="a", status=Health.OK)),
        ([SLOW], TargetState(name="a", status=Health.SLOWED, reason="It is slow.")),
        ([PROBED], TargetState(name="a", status=Health.SLOWED)),
        ([RESTS], DOWN),
        ([RESTED], TargetState(name="a", status=Health.SLOWED, reason="It was down.")),
        ([RESTS_LONGER, RESTS], DOWN),
        ([RESTS, WELL], TargetState(name="a", status=Health.OK)),
    ],
)
def test_the_lane_where_it_fares_best_tells(said: list[TargetBeat], expected: TargetState) -> None:
    """It has the newest answer."""
    beats = [beat(lane, each) for lane, each in enumerate(said)]

    assert target_states(beats, NOON, 12.0) == (expected,)


def test_lanes_at_work_know_better_than_those_that_pause() -> None:
    """Those that pause are asked where none works; a deployment with one target has nothing to tell."""
    pausing, working = beat(0, RESTS, paused_until=LATER), beat(1, WELL)

    assert target_states([pausing, working], NOON, 12.0) == (TargetState(name="a", status=Health.OK),)
    assert target_states([pausing], NOON, 12.0) == (DOWN,)
    assert target_states([beat(0)], NOON, 12.0) == ()


def test_targets_keep_their_order() -> None:
    """That of the configuration."""
    found = target_states([beat(0, TargetBeat(target="west"), TargetBeat(target="east"))], NOON, 12.0)

    assert [state.name for state in found] == ["west", "east"]
