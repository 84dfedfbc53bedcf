"""When lines that begin alike are worked on side by side, and how they are divided into chunks."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from shared.domain.batches import grouping
from shared.domain.batches.grouping import Group, Grouping
from shared.domain.deployments.leaders import Leaders, narrower
from shared.domain.lines.rough_key import RoughKeys

LINES_A_CHUNK = 200
TOKENS = 999_983


def grouped(prefixes: Sequence[int | None], *, max_lines: int = LINES_A_CHUNK, size: int = 100) -> list[Group] | None:
    """Of lines with these prefixes, numbered from 1; in their own order, so many lines are a chunk."""
    found = Grouping(max_lines, 1 << 30)
    for position, prefix in enumerate(prefixes):
        keys = RoughKeys(0, 0 if prefix is None else prefix + 1)
        found.add(keys, number=position + 1, size=size, chunk=position // max_lines)
    groups = found.groups(TOKENS)
    return None if groups is None else list(groups)


def shuffled(prefixes: int, lines: int) -> list[int]:
    found = [prefix for prefix in range(prefixes) for _ in range(lines)]
    random.Random(3).shuffle(found)
    return found


def leaders(prefixes: Sequence[int | None], groups: Sequence[Group]) -> int:
    """How many lines are the first of their prefix in a chunk."""
    return sum(len({prefixes[number - 1] for number in group.numbers}) for group in groups)


def test_lines_of_a_shuffled_file_are_grouped() -> None:
    """Hardly a prefix has two leaders; each line is there once, in input order inside its chunk, in even chunks."""
    prefixes = shuffled(300, 20)
    groups = grouped(prefixes)

    assert groups is not None
    assert sorted(number for group in groups for number in group.numbers) == list(range(1, 6001))
    assert all(list(group.numbers) == sorted(group.numbers) for group in groups)
    assert max(len(group.numbers) for group in groups) == LINES_A_CHUNK
    assert leaders(prefixes, groups) <= 303
    assert sum(group.tokens for group in groups) == TOKENS


@pytest.mark.parametrize(
    "prefixes",
    [
        [number // 20 for number in range(6000)],
        [*range(6000)],
        [number % 20 for number in range(6000)],
        [None] * 6000,
        [*shuffled(50, 20), *range(100, 6000)],
        [0],
    ],
)
def test_the_order_of_the_input_is_kept_where_it_is_as_good(prefixes: list[int | None]) -> None:
    """Grouped already, no prefix twice, few prefixes that neighbours share, none, few lines that gain, one line."""
    assert grouped(prefixes) is None


def test_lines_without_a_prefix_stay_between_the_groups() -> None:
    """In the order of the input, each a group of its own."""
    prefixes: list[int | None] = [None, 1, 2, 3, None, 1, 2, 3, 1, 2, 3, None]
    groups = grouped(prefixes, max_lines=4)

    assert groups is not None
    assert [group.numbers for group in groups] == [(1, 2, 6, 9), (3, 7, 10), (4, 5, 8, 11), (12,)]


def test_a_group_larger_than_a_chunk_is_divided() -> None:
    """In input order."""
    groups = grouped([1, 2] * 5, max_lines=2)

    assert groups is not None
    assert [group.numbers for group in groups] == [(1, 3), (5, 7), (9,), (2, 4), (6, 8), (10,)]


def test_the_same_lines_are_grouped_alike() -> None:
    """A repeated validation finds what the first one found."""
    prefixes = shuffled(40, 9)

    assert grouped(prefixes, max_lines=30) == grouped(prefixes, max_lines=30)


def test_very_large_files_keep_their_order() -> None:
    """Their copy would take more blocks than there may be."""
    prefixes = shuffled(20, 20)

    assert grouped(prefixes, max_lines=20, size=grouping.MOST_BYTES // 400 + 1) is None
    assert grouped(prefixes, max_lines=20, size=1_000_000) is not None


def test_very_many_chunks_keep_their_order() -> None:
    """Their results could not be merged in one pass."""
    assert grouped(shuffled(2100, 2), max_lines=2) is None


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (True, True, True),
        (True, "neighbours", "neighbours"),
        ("neighbours", True, "neighbours"),
        ("neighbours", False, False),
        (False, True, False),
    ],
)
def test_what_deployment_and_batch_allow_both(one: Leaders, other: Leaders, both: Leaders) -> None:
    """The one that allows less counts."""
    assert narrower(one, other) == both
