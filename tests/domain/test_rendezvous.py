"""Which of several equals a key belongs to."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from shared.domain.pace.rendezvous import Equal, belongs_to, seed_of

DICE = Random(7)
KEYS = [DICE.getrandbits(64) for _ in range(20_000)]


def equals(*weights: float) -> list[Equal]:
    return [Equal(seed_of(f"http://t{number}"), weight) for number, weight in enumerate(weights)]


@pytest.mark.parametrize("weights", [(1, 1), (1,) * 8, (3, 1), (1, 2, 3, 4)])
def test_each_has_its_part(weights: tuple[float, ...]) -> None:
    """By weight."""
    counts = Counter(belongs_to(key, equals(*weights)) for key in KEYS)
    for place, weight in enumerate(weights):
        assert counts[place] / len(KEYS) == pytest.approx(weight / sum(weights), rel=0.06)


def test_only_the_keys_of_one_that_goes_move() -> None:
    """The others of its keys get about as many each; in whatever order they stand."""
    there = equals(*(1,) * 8)
    moved = Counter[Equal]()
    for key in KEYS:
        before, now = there[belongs_to(key, there)], there[:0:-1][belongs_to(key, there[:0:-1])]
        if before == there[0]:
            moved[now] += 1
        else:
            assert now == before
    assert len(moved) == 7
    assert max(moved.values()) < 1.4 * min(moved.values())


def test_every_process_says_the_same() -> None:
    """Nothing of it depends on the process."""
    assert [belongs_to(key, equals(1, 1, 1, 1)) for key in KEYS[:4]] == [3, 3, 0, 1]
