"""Which lanes of a batch are gone, as another one sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.domain.pace.heartbeat import Heartbeat, LaneTimes, Siblings

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
STALE = 12.0
GONE_SECONDS = LaneTimes().gone_seconds


def beat(lane: int, at: float, paused_until: float | None = None) -> Heartbeat:
    until = None if paused_until is None else NOON + timedelta(seconds=paused_until)
    return Heartbeat(deployment="m", batch_id="b", lane=lane, at=NOON + timedelta(seconds=at), paused_until=until)


def told(*beats: Heartbeat, looks: float, every: float = 3.0) -> list[tuple[float, set[int]]]:
    """What lane 0 of 3 is told, and when, if nobody beats after these."""
    watched, now, found = Siblings(0, 3, STALE, GONE_SECONDS), 0.0, []
    while now <= looks:
        if gone := watched.look(beats, NOON + timedelta(seconds=now), now):
            found.append((now, set(gone)))
        now += every
    return found


def test_a_silent_lane_is_gone_once() -> None:
    """After it counts as stale and the time that slices may be apart; it is told once."""
    assert told(beat(1, 0), beat(2, 60), looks=60) == [(STALE + GONE_SECONDS + 3, {1})]


def test_a_lane_that_ended_is_gone_soon() -> None:
    """Its row is no more; whoever asks finds that it left nothing."""
    assert told(beat(1, 60), looks=60) == [(GONE_SECONDS, {2})]


def test_a_pause_is_no_end() -> None:
    """A lane that said until when it pauses is there until then."""
    assert told(beat(1, 0, paused_until=300), beat(2, 300), looks=60) == []


def test_who_could_not_look_does_not_judge() -> None:
    """After a silence of the store everyone seems gone: looks that are far apart begin anew."""
    assert told(beat(1, 0), beat(2, 0), looks=600, every=STALE + 1) == []
