"""Which runs are without life."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.batches.run_life import SILENCE, RunLives, Signs, signs_of
from shared.domain.pace.heartbeat import Heartbeat
from shared.settings import Settings
from tests.contracts.samples import START

SIGNS = Signs(status="Running", turned_at=START, beat_at=START)
LOOK_SECONDS = 15
STUCK = timedelta(seconds=Settings().stuck_seconds)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def stuck_after(signs: Any, seconds: int = 600) -> int | None:
    """Seconds after which a run that shows `signs`, at every look or by its number, is taken for stuck."""
    lives = RunLives(STUCK)
    for second in range(0, seconds, LOOK_SECONDS):
        shown = signs(second) if callable(signs) else signs
        if lives.is_stuck("b", shown, at(second)):
            return second
    return None


@pytest.mark.parametrize("status", ["Pending", "Running", "ContinuedAsNew"])
def test_a_run_that_never_stirs_is_stuck(status: str) -> None:
    """After three minutes of looks."""
    assert stuck_after(Signs(status=status, turned_at=START, beat_at=None)) == STUCK.total_seconds() == 180


def test_a_suspended_run_is_its_operators_wish() -> None:
    """However long it stands still."""
    assert stuck_after(Signs(status="Suspended", turned_at=START, beat_at=None)) is None


def test_a_paused_batch_is_its_callers_wish() -> None:
    """Its lanes do not beat; once it goes on, three minutes count from then."""

    def paused_for_five_minutes(second: int) -> Signs:
        return signs_of("Running", START, (), may_pause=True, is_paused=second < 300)

    assert stuck_after(paused_for_five_minutes) == 300 + 180


@pytest.mark.parametrize("sign", ["turned_at", "beat_at"])
def test_each_sign_is_one_of_life(sign: str) -> None:
    """A turn of the run, as while it waits for room in the quota; a beat, as while a large file is validated."""

    def every_two_minutes(second: int) -> Signs:
        now = START + timedelta(minutes=second // 120 * 2)
        return Signs(**{"status": "Running", "turned_at": START, "beat_at": START} | {sign: now})

    assert stuck_after(every_two_minutes) is None


def test_a_pause_is_life_until_it_is_over() -> None:
    """The upstream asked for five minutes."""
    pausing = Signs(status="Running", turned_at=START, beat_at=START, pauses_until=START + timedelta(seconds=290))

    assert stuck_after(pausing) == 285 + 180


def test_a_look_after_a_silence_begins_anew() -> None:
    """All hosts were down for an hour; the messages of their runs are all there."""
    lives = RunLives(STUCK)
    found = [lives.is_stuck("b", SIGNS, at(second)) for second in (0, 15, 30, 3600, 3615)]

    assert found == [False] * 5
    assert timedelta(seconds=3 * LOOK_SECONDS) < SILENCE < STUCK


def test_a_watcher_whose_clock_was_set_back_begins_anew() -> None:
    """It does not wait until the clock is where it was."""
    lives = RunLives(STUCK)
    looks = [3600, *range(0, 200, 15)]

    assert [second for second in looks if lives.is_stuck("b", SIGNS, at(second))] == [180]


def test_one_that_was_stuck_begins_anew() -> None:
    """It is ended once, and has the same time again to do so."""
    lives = RunLives(STUCK)
    found = [second for second in range(0, 600, 15) if lives.is_stuck("b", SIGNS, at(second))]

    assert found == [180, 360, 540]


def test_runs_are_told_apart_and_forgotten() -> None:
    """Each has its own signs; what is not looked at any more takes no memory."""
    lives = RunLives(STUCK)
    for second in range(0, 300, 15):
        assert not lives.is_stuck(f"b{second}", SIGNS, at(second))

    assert len(lives._seen) <= SILENCE.total_seconds() / LOOK_SECONDS + 1


def test_signs_are_the_newest() -> None:
    """Of all lanes; a pause counts only as long as the batch may wait."""
    beats = [
        Heartbeat(deployment="m", batch_id="b", lane=lane, at=at(second), paused_until=at(second) if lane else None)
        for lane, second in enumerate((5, 9, 2))
    ]

    assert signs_of("Running", START, beats, may_pause=True).pauses_until == at(9)
    assert signs_of("Running", START, beats, may_pause=False) == Signs(status="Running", turned_at=START, beat_at=at(9))
    assert signs_of("Pending", None, [], may_pause=True) == Signs(status="Pending", turned_at=None, beat_at=None)
