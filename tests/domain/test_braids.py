"""Lines for several upstreams with caches of their own: each gets those whose prefix it knows, and none stands idle."""

from __future__ import annotations

import heapq
from collections import Counter, OrderedDict, deque
from random import Random

import pytest

from shared.domain.pace.braids import Braids, Opening, Taken
from shared.domain.pace.rendezvous import Equal, belongs_to, seed_of

A, B = Opening(0, 4), Opening(1, 4)


def braids(*lines: tuple[int | None, int | None, str]) -> Braids[str]:
    found = Braids[str](2)
    found.add(lines)
    return found


def test_each_gets_its_own() -> None:
    """Whatever order they stand in."""
    found = braids((1, 0, "a"), (2, 1, "b"), (1, 0, "c"))
    assert [found.take([opening], 0).line for opening in (B, A, A)] == ["b", "a", "c"]


def test_what_belongs_nowhere_fills_up() -> None:
    """Before anything is taken from another."""
    found = braids((1, 0, "a"), (1, 0, "b"), (None, None, "x"))
    assert [found.take([opening], 0).line for opening in (B, A, A)] == ["x", "a", "b"]


def test_who_has_none_takes_a_prefix_in_whole() -> None:
    """One that nobody has led; its other lines follow it."""
    found = braids((1, 0, "a"), (1, 0, "b"), (2, 0, "c"), (2, 0, "d"))
    first, second = found.take([B], 0), found.take([B], 0)
    assert [first.line, first.leads, second.line] == ["c", 2, "d"]
    assert found.take([A], 0).line == "a"


def test_who_has_none_takes_what_there_is() -> None:
    """No upstream that has room is left without a line."""
    found = braids((1, 0, "a"), (1, 0, "b"), (1, 0, "c"))
    assert [found.take([A], 0).line, found.take([B], 0).line, found.take([B], 0).line] == ["a", "b", "c"]
    assert len(found) == 0


def test_one_with_more_than_its_part_gets_its_lines_last() -> None:
    """While others have room; then it has its own as ever."""
    found = braids((1, 0, "a"), (2, 0, "b"))
    full = Opening(0, 64, fits=False)
    assert found.take([B, full], 0).home == 1
    assert found.take([full], 0).home == 0


def test_further_chunks_are_wanted_for_every_upstream() -> None:
    """While one has fewer lines than places; not where any line will do."""
    found = braids((1, 0, "a"), (2, 0, "b"), (3, 1, "c"))
    assert found.wants_more([(0, 1), (1, 2)], 0)
    assert not found.wants_more([(0, 1), (1, 1)], 0)
    found.add([(None, None, "x")])
    assert not found.wants_more([(0, 1), (1, 2)], 0)


def test_where_no_target_has_room_any_line_is_next() -> None:
    """It waits for one at the gate."""
    found = braids((1, 0, "a"), (None, None, "x"))
    assert [found.take([], 4).line, found.take([], 4).line] == ["x", "a"]


PREFIXES, LINES, LANES, TARGETS, LATENCY_SECONDS = 600, 20, 4, 8, 5.0


class Run:
    """A file through four lanes to eight upstreams, each with a cache that holds 80 prefixes, all places taken."""

    def __init__(self, in_flight: int, *, grouped: bool, by_prefix: bool) -> None:
        self.dice, self.now, self.found = Random(7), 0.0, 0
        self.most = in_flight // LANES // TARGETS
        order = list(range(PREFIXES * LINES))
        if not grouped:
            Random(3).shuffle(order)
        equals = [Equal(seed_of(str(number))) for number in range(TARGETS)]
        keys = [seed_of(f"prefix {number}") for number in range(PREFIXES)]
        self.keys, self.homes = keys, [belongs_to(key, equals) if by_prefix else None for key in keys]
        self.chunks = deque(order[first : first + 200] for first in range(0, len(order), 200))
        self.lanes = [Braids[int](TARGETS) for _ in range(LANES)]
        self.sending = [[0] * TARGETS for _ in range(LANES)]
        self.caches = [OrderedDict[int, None]() for _ in range(TARGETS)]
        self.coming = [deque[tuple[float, int]]() for _ in range(TARGETS)]
        self.flight = list[tuple[float, int, int, Taken[int]]]()
        self.begun = 0
        self.asked = Counter[int]()

    def read(self, lane: int) -> None:
        braids, homes = self.lanes[lane], [(number, self.most) for number in range(TARGETS)]
        while self.chunks and (
            not braids
            or (len(braids) < min(1300, len(self.chunks) * 200 // LANES) and braids.wants_more(homes, self.most))
        ):
            lines = [(line // LINES, line) for line in self.chunks.popleft()]
            braids.add([(self.keys[prefix], self.homes[prefix], line) for prefix, line in lines])

    def send(self, lane: int) -> None:
        self.read(lane)
        if not self.lanes[lane]:
            return
        sending = self.sending[lane]
        open_ = sorted((number for number in range(TARGETS) if sending[number] < self.most), key=sending.__getitem__)
        taken = self.lanes[lane].take([Opening(number, self.most) for number in open_], 0)
        assert taken.home is not None
        self.ask(taken.home, taken.line // LINES)
        sending[taken.home] += 1
        self.begun += 1
        ends = self.now + LATENCY_SECONDS * self.dice.uniform(0.7, 1.3)
        heapq.heappush(self.flight, (ends, self.begun, lane, taken))

    def ask(self, target: int, prefix: int) -> None:
        self.asked[prefix] += 1
        cache, coming = self.caches[target], self.coming[target]
        while coming and coming[0][0] <= self.now:
            cache[coming.popleft()[1]] = None
            if len(cache) > 80:
                cache.popitem(last=False)
        if prefix in cache:
            self.found += 1
            cache.move_to_end(prefix)
        else:
            coming.append((self.now + 0.2, prefix))

    def run(self) -> tuple[float, float]:
        """Share of requests that find their prefix; of the rate that all places could have."""
        for _ in range(self.most * TARGETS):
            for lane in range(LANES):
                self.send(lane)
        while self.flight:
            self.now, _, lane, taken = heapq.heappop(self.flight)
            assert taken.home is not None
            self.sending[lane][taken.home] -= 1
            if taken.leads is not None:
                taken.braid.answered(taken.leads)
            self.send(lane)
        assert set(self.asked.values()) == {LINES}
        lines = PREFIXES * LINES
        return self.found / lines, lines / self.now / (self.most * TARGETS * LANES / LATENCY_SECONDS)


@pytest.mark.parametrize("in_flight", [64, 256])
@pytest.mark.parametrize(("grouped", "least", "most_before"), [(True, 0.94, 0.6), (False, 0.9, 0.2)])
def test_caches_of_several_upstreams_are_as_good_as_one(
    in_flight: int, grouped: bool, least: float, most_before: float
) -> None:
    """Of 20 lines to a prefix 0.95 can find it; and no place is left empty for that."""
    share, rate = Run(in_flight, grouped=grouped, by_prefix=True).run()
    before, _ = Run(in_flight, grouped=grouped, by_prefix=False).run()
    assert (share >= least, before < most_before, rate >= 0.98) == (True, True, True), (share, before, rate)
