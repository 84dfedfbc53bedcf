from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.batches.hold_up import HoldUp, asked_to_wait, hold_up, no_room, sick_upstream
from shared.domain.pace.heartbeat import Heartbeat

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def beat(lane, *, age=0.0, paused=None, reason=None):
    until = None if paused is None else NOW + timedelta(seconds=paused)
    at = NOW - timedelta(seconds=age)
    return Heartbeat(deployment="m", batch_id="b", lane=lane, at=at, paused_until=until, reason=reason)


@pytest.mark.parametrize(
    ("beats", "expected"),
    [
        ([], None),
        ([beat(0)], None),
        ([beat(0, paused=60, reason="Sick.")], (60, "Sick.")),
        ([beat(0, paused=60, reason="Sick."), beat(1, paused=20, reason="Asked.")], (20, "Asked.")),
        ([beat(0, paused=60, reason="Sick."), beat(1)], None),
        ([beat(0, paused=60, reason="Sick."), beat(1, age=99)], (60, "Sick.")),
        ([beat(0), beat(1, reason="Slow.")], (None, "Slow.")),
        ([beat(0, age=99, reason="Slow.")], None),
        ([beat(0, paused=-1, age=30, reason="Over.")], None),
    ],
)
def test_a_batch_is_held_up_when_all_its_lanes_are(beats, expected):
    """The lane that goes on first tells until when; a live lane is slow at most; dead lanes tell nothing."""
    found = hold_up(beats, NOW, 12.0)

    if expected is None:
        assert found is None
    else:
        seconds, reason = expected
        assert found == HoldUp(until=None if seconds is None else NOW + timedelta(seconds=seconds), reason=reason)


@pytest.mark.parametrize(
    "reason",
    [
        "status_400",
        "status_401",
        "status_402",
        "status_403",
        "status_500",
        "status_408",
        "unreachable",
        "connection",
        "timeout",
        "identity",
        "invalid_answer",
    ],
)
def test_every_sickness_has_a_sentence(reason):
    """No code of ours in it, and it says who does something about it."""
    sentence = sick_upstream(reason)

    assert "status_" not in sentence
    assert sentence.endswith(".")
    assert "by itself" in sentence


def test_amounts_are_told():
    """Seconds, tokens, batches."""
    assert asked_to_wait("status_429", 120.4) == "The upstream answered HTTP 429 and asks for a pause of 120 seconds."
    assert "1 batch before this one" in no_room("m", 5, 60, 1, 100)
    assert "1,200 batches before this one" in no_room("m", 5, 60, 1200, 100)


def test_the_upstreams_own_words_are_told():
    """They say what nobody else can: which quota, until when."""
    assert sick_upstream("status_429", "You exceeded your current quota.").endswith(
        'It says: "You exceeded your current quota."'
    )
