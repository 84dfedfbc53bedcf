"""The order in which a lane sends its lines: leaders first, prefixes one after another, nothing held back."""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from random import Random

import pytest

from shared.domain.pace.braid import Braid


def order(braid: Braid[str], places: int, *, answered: bool = True) -> list[str]:
    """All lines, each leader answered as soon as it was sent, or never."""
    sent = []
    while braid:
        line, prefix = braid.take(places)
        sent.append(line)
        if prefix is not None and answered:
            braid.answered(prefix)
    return sent


def test_lines_without_company_keep_their_order() -> None:
    """Whether they have a prefix of their own or none; and nothing more is read before they have gone."""
    braid = Braid[str]()
    braid.add([(1, "a"), (None, "b"), (2, "c"), (None, "d")])
    assert not braid.wants_more(64)
    assert order(braid, 64) == ["a", "b", "c", "d"]
    assert braid.wants_more(64)


def test_leaders_go_before_followers() -> None:
    """One of each prefix, while none is answered; who is alone fills places before any follower does."""
    braid = Braid[str]()
    braid.add([(1, "1a"), (1, "1b"), (2, "2a"), (3, "3"), (2, "2b")])
    assert order(braid, 8, answered=False) == ["1a", "2a", "3", "1b", "2b"]


def test_followers_of_an_answered_leader_go_together() -> None:
    """The prefix that was answered first is used up first."""
    braid = Braid[str]()
    braid.add([(number % 3, f"{number % 3}{number // 3}") for number in range(9)])
    leaders = [braid.take(8) for _ in range(3)]
    assert [line for line, _ in leaders] == ["00", "10", "20"]
    braid.answered(1)
    braid.answered(0)
    assert order(braid, 8) == ["11", "12", "01", "02", "21", "22"]


def test_no_place_stays_empty() -> None:
    """Where there is nothing better, a follower does not wait for its leader."""
    braid = Braid[str]()
    braid.add([(1, "a"), (1, "b"), (1, "c")])
    assert order(braid, 3, answered=False) == ["a", "b", "c"]


def test_further_chunks_are_wanted_for_their_leaders() -> None:
    """As long as they bring any, and what is known of is less than will have gone until they are answered."""
    braid = Braid[str]()
    braid.add([(1, "a"), (1, "b"), (1, "c")])
    assert not braid.wants_more(4)
    braid.take(4)
    assert braid.wants_more(4)
    braid.add([(1, "d"), (1, "e")])
    assert not braid.wants_more(4)
    braid.answered(1)
    assert not braid.wants_more(4)
    assert order(braid, 4) == ["b", "c", "d", "e"]


def test_a_prefix_that_was_answered_needs_no_further_leader() -> None:
    """In a later chunk: its lines go in their order."""
    braid = Braid[str]()
    braid.add([(1, "a"), (1, "b")])
    order(braid, 4)
    braid.add([(1, "c"), (None, "d"), (1, "e")])
    assert [braid.take(4) for _ in range(3)] == [("c", None), ("d", None), ("e", None)]


PREFIXES, LINES, LANES, LATENCY_SECONDS = 1000, 20, 4, 5.0


def hits(places: int, visible_seconds: float, most_prefixes: int | None, *, braids: bool) -> tuple[float, float]:
    """Share of requests that find their prefix, and the seconds that all take: a file grouped by prefix, four lanes."""
    dice, now, found = Random(7), 0.0, 0
    chunks = deque(list(range(first, first + 200)) for first in range(0, PREFIXES * LINES, 200))
    lanes = [Braid[int]() for _ in range(LANES)]
    flight, coming, cache = list[tuple[float, int, int | None]](), deque[tuple[float, int]](), OrderedDict[int, None]()

    def send(lane: int) -> None:
        nonlocal found
        while chunks and lanes[lane].wants_more(places):
            lanes[lane].add([(line // LINES if braids else None, line) for line in chunks.popleft()])
        if not lanes[lane]:
            return
        line, leads = lanes[lane].take(places)
        prefix = line // LINES
        while coming and coming[0][0] <= now:
            cache[coming.popleft()[1]] = None
            while most_prefixes and len(cache) > most_prefixes:
                cache.popitem(last=False)
        if prefix in cache:
            found += 1
            cache.move_to_end(prefix)
        else:
            coming.append((now + visible_seconds, prefix))
        heapq.heappush(flight, (now + LATENCY_SECONDS * dice.uniform(0.7, 1.3), lane, leads))

    for number in range(places * LANES):
        send(number % LANES)
    while flight:
        now, lane, leads = heapq.heappop(flight)
        if leads is not None:
            lanes[lane].answered(leads)
        send(lane)
    return found / (PREFIXES * LINES), now


@pytest.mark.parametrize("in_flight", [64, 256])
@pytest.mark.parametrize(("visible_seconds", "most_prefixes"), [(0.2, 133), (2.0, None)], ids=["own server", "hosted"])
def test_almost_all_that_can_be_found_is_found(
    in_flight: int, visible_seconds: float, most_prefixes: int | None
) -> None:
    """0.95 is the most possible; and the places are as full as in the order of the file."""
    share, seconds = hits(in_flight // LANES, visible_seconds, most_prefixes, braids=True)
    before, seconds_before = hits(in_flight // LANES, visible_seconds, most_prefixes, braids=False)
    assert share >= 0.93 > before
    assert seconds <= seconds_before / 0.98
