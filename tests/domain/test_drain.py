"""What was begun is waited for by its own time limit; a batch that has to end waits less."""

from __future__ import annotations

from shared.domain.pace.drain import SPARE_SECONDS, Drain


def test_while_attempts_begin_nothing_is_over() -> None:
    """A request begun late has its whole time: the lane may have fed its last line long before."""
    drain = Drain(600, 20)

    assert not drain.is_over(0, stopped=False, must_end=False)
    assert not drain.is_over(900, stopped=False, must_end=False)
    assert not drain.is_over(1000, stopped=True, must_end=False)
    assert not drain.is_over(1600, stopped=True, must_end=False)
    assert drain.is_over(1600 + SPARE_SECONDS, stopped=True, must_end=False)


def test_an_end_is_short_from_the_moment_it_is_known() -> None:
    """A cancel that comes in the middle of the wait shortens it."""
    drain = Drain(600, 20)

    assert not drain.is_over(0, stopped=True, must_end=False)
    assert not drain.is_over(300, stopped=True, must_end=True)
    assert not drain.is_over(319, stopped=True, must_end=True)
    assert drain.is_over(320, stopped=True, must_end=True)
