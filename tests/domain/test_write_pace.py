"""How soon a journal is written again, by what writes have cost."""

from __future__ import annotations

import math

import pytest

from shared.domain.pace.write_pace import MEMORY, WritePace

LONGEST, MOST = 1.0, 64


def paced(*seconds: float) -> WritePace:
    pace = WritePace(LONGEST, MOST)
    for each in seconds:
        pace.wrote(each)
    return pace


def test_before_the_first_write() -> None:
    """Nothing is known yet, so the first line is written at once."""
    assert paced().enough(0.0) == (1, LONGEST)


@pytest.mark.parametrize(
    ("cost", "pause", "lines"), [(0.0005, 0.012, 1), (0.001, 0.024, 1), (0.0024, 0.1176, 3), (0.0048, 0.4752, 5)]
)
def test_dearer_writes_are_rarer_and_larger(cost: float, pause: float, lines: int) -> None:
    """A 25th of the time or, where a write is dear, less is spent writing, and a write has a line for each of its milliseconds; both have limits."""
    pace = paced(cost)

    assert pace.enough(0.0) == (MOST, pytest.approx(pause))
    assert pace.enough(pause + 0.001)[0] == lines


def test_the_longest_time_passes() -> None:
    """One line is enough then, as is the first after a silence."""
    assert paced(0.0048).enough(0.75) == (5, 0.25)
    assert paced(0.0048).enough(LONGEST) == (1, math.inf)


def test_the_quickest_of_the_last_counts() -> None:
    """A write that waited for a busy processor says nothing of the store; a store that has become slow does."""
    assert paced(0.001, 0.2, 0.3).enough(0.1)[0] == 1
    assert paced(0.001, *[0.0048] * MEMORY).enough(0.75)[0] == 5
