"""kill -9 of a process at every call to a store of a small batch, before the call took effect and after."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest

from shared.domain.batches.batch import Status
from tests.faults.faulting_stores import Moment
from tests.faults.report import spread
from tests.faults.simulation import Aftermath, Day, simulate

SMALL = {"lines": 14, "chunk_lines": 4, "lanes": 2, "concurrency": 4, "journal_results": 2, "workers": 1}
GROUPED = {"prefixes": 3, "scattered": True}
BOUND = 4 + 2 * 2 * 2  # In flight, and two groups of the journal for each lane (ARCHITECTURE.md).
DAYS_OF_KILLS = 60


@cache
def calls(**changes: object) -> int:
    """How many there are when nothing goes wrong."""
    return simulate(Day(seed=1, **SMALL | changes)).store_calls


def killed_at(*moments: Moment, **changes: object) -> Aftermath:
    aftermath = simulate(Day(seed=1, **SMALL | changes, kill_moments=moments))
    aftermath.check()
    return aftermath


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("shape", [{}, GROUPED], ids=["as it stands", "grouped"])
def test_killed_at_every_call(shape: dict[str, Any], late: bool) -> None:
    """Whatever the moment: the batch completes, little is paid twice, and nothing has to be swept."""
    all_calls = calls(**shape)
    aftermaths = [killed_at(Moment(number=number, late=late), **shape) for number in range(1, all_calls + 1)]
    again = [it.paid_again for it in aftermaths]
    moment = "after" if late else "before"
    print(f"\nkilled {moment} each of {all_calls} calls: paid again {spread(again)}, bound {BOUND}")

    assert {bool(shape)} == {it.batch.grouped for it in aftermaths}

    assert {Status.COMPLETED} == {it.batch.status for it in aftermaths}
    assert {1} == {it.runs.kills for it in aftermaths}
    assert max(again) <= BOUND


def test_killed_again_and_again() -> None:
    """Processes that live for some dozen calls each: each kill costs no more than the first."""
    aftermaths = []
    for seed in range(DAYS_OF_KILLS):
        dice = Random(seed)
        numbers = sorted(dice.sample(range(1, 3 * calls()), 8))
        aftermaths.append(killed_at(*(Moment(number=number, late=dice.random() < 0.5) for number in numbers)))
    kills = sum(it.runs.kills for it in aftermaths)
    again = [it.paid_again for it in aftermaths]
    print(
        f"\n{kills} kills in {DAYS_OF_KILLS} batches: paid again {spread(again)} a batch, {sum(again) / kills:.2f} a kill"
    )

    assert kills > 3 * DAYS_OF_KILLS
    assert all(it.paid_again <= it.runs.kills * BOUND for it in aftermaths)


@pytest.mark.parametrize("end", ["cancel_moments", "expiry_moments"])
def test_killed_while_ending_early(end: str) -> None:
    """Cancelled, or expired, in mid-run, and killed at each of the calls that follow: the end stays what it was."""
    moment = Moment(number=calls() // 4)
    following = range(moment.number + 1, simulate(Day(seed=1, **SMALL, **{end: (moment,)})).store_calls + 1)
    aftermaths = [
        killed_at(Moment(number=number, late=late), **{end: (moment,)})
        for number in following
        for late in (False, True)
    ]

    assert {Status.CANCELLED if end == "cancel_moments" else Status.EXPIRED} == {it.batch.status for it in aftermaths}


@pytest.mark.parametrize("end", ["cancel_moments", "expiry_moments"])
@pytest.mark.parametrize("shape", [{}, GROUPED], ids=["as it stands", "grouped"])
def test_ended_at_every_call(end: str, shape: dict[str, Any]) -> None:
    """A cancel, or the deadline, at any call of a run: what ran is in the files, and so is why the rest did not."""
    for number in range(1, calls(**shape) + 1):
        simulate(Day(seed=1, **SMALL, **shape, **{end: (Moment(number=number),)})).check()


@pytest.mark.parametrize("kill_after", [None, 1, 9])
def test_paused_at_every_tenth_call(kill_after: int | None) -> None:
    """And killed while it pauses: it goes on when it is resumed, and ends as if nothing had been."""
    for number in range(1, calls() + 1, 10):
        kills = () if kill_after is None else (Moment(number=number + kill_after, late=True),)
        aftermath = killed_at(*kills, pause_moments=(Moment(number=number),))

        assert (Status.COMPLETED, False) == (aftermath.batch.status, aftermath.batch.is_paused)
        assert aftermath.paid_again <= len(kills) * BOUND


def test_cancelled_after_the_deadline() -> None:
    """A cancel while an expired batch is being finished, and a kill: one set of files, found under one id."""
    deadline = (Moment(number=calls() // 8),)
    last = simulate(Day(seed=1, **SMALL, expiry_moments=deadline)).store_calls
    for cancelled in range(last - 20, last, 3):
        for killed in range(cancelled, last + 1, 2):
            cancel = (Moment(number=cancelled),)
            killed_at(Moment(number=killed, late=True), expiry_moments=deadline, cancel_moments=cancel)
