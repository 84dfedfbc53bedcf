"""Runs that are started again and again."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.batches.batch import RunLost, Status, apply
from shared.domain.batches.chunk import ChunkRow
from shared.domain.batches.hold_up import run_hold_up
from shared.domain.batches.restarts import LONGEST_PAUSE, MANY, Restarts, has_to_wait, one_more, progress_of
from tests.contracts.samples import START, a_batch

ROWS = [ChunkRow(batch_id="b", index=0, completed=3, failed=1), ChunkRow(batch_id="b", index=1, completed=2, seal="s")]


def starts(count: int) -> tuple[Restarts | None, list[float]]:
    """After so many in vain, each at the first moment that it may be; and the pauses before each."""
    restarts, now, pauses = None, START, []
    for _ in range(count):
        since = now
        while has_to_wait(restarts, "p", now):
            now += timedelta(seconds=1)
        pauses.append((now - since).total_seconds())
        restarts = one_more(restarts, "p", now)
    return restarts, pauses


def test_pauses_grow() -> None:
    """The first start is at once; then they double, to five minutes."""
    restarts, pauses = starts(9)

    assert pauses == [0, 15, 30, 60, 120, 240, 300, 300, 300]
    assert restarts is not None
    assert restarts.count == 9
    assert timedelta(minutes=5) == LONGEST_PAUSE


def test_a_batch_that_has_got_on_is_started_at_once() -> None:
    """And counts from one again."""
    restarts, _ = starts(6)
    assert restarts is not None

    assert not has_to_wait(restarts, "another", restarts.at)
    assert one_more(restarts, "another", restarts.at).count == 1


def test_a_start_in_the_future_keeps_nobody_waiting() -> None:
    """The clock has been set back since."""
    restarts, _ = starts(3)
    assert restarts is not None

    assert not has_to_wait(restarts, "p", restarts.at - timedelta(hours=1))


def test_progress_is_what_can_be_counted() -> None:
    """The status, lines with an outcome, sealed chunks."""
    shown = progress_of("in_progress", ROWS)
    others = [progress_of("finalizing", ROWS), progress_of("in_progress", ROWS[:1]), progress_of("in_progress", [])]

    assert progress_of("in_progress", list(ROWS)) == shown
    assert shown not in others


def test_many_starts_in_vain_hold_a_batch_up() -> None:
    """From the fifth on it is told, with the moment of the next; not before, and not once the batch has got on."""
    assert [run_hold_up(starts(count)[0], "p") is not None for count in range(7)] == [False] * MANY + [True] * 2
    restarts, _ = starts(MANY)
    assert restarts is not None
    told = run_hold_up(restarts, "p")
    assert told is not None

    assert (told.until, "5 attempts" in told.reason) == (restarts.next_at, True)
    assert run_hold_up(restarts, "another") is None


def test_a_start_changes_nothing_else() -> None:
    """The record has the status it had, and its times."""
    batch = a_batch(1, status=Status.IN_PROGRESS)
    changed = apply(batch, RunLost(progress="p"), START)

    assert changed.restarts == Restarts(count=1, at=START, progress="p")
    assert apply(a_batch(1, status=Status.IN_PROGRESS, restarts=changed.restarts), RunLost(progress="p"), START) == (
        apply(changed, RunLost(progress="p"), START)
    )
    assert (changed.status, changed.in_progress_at) == (batch.status, batch.in_progress_at)
