"""Fair share: how much of a deployment one lane may use now, and how it keeps to that.

Rule of this file: no clock and no lock. Every lane computes its share from the same heartbeats by the same rule, so the
shares add up without anybody handing them out; between two reads of the heartbeats they may overlap for a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec


class Shares(msgspec.Struct, frozen=True):
    """Who may have how many requests in flight; lanes that may have none are not in it."""

    slots: Mapping[tuple[str, int], int]

    def of(self, batch_id: str, lane: int) -> int:
        return self.slots.get((batch_id, lane), 0)

    def has_turn(self, batch_id: str) -> bool:
        """Whether any lane of the batch may work."""
        return any(name == batch_id for name, _ in self.slots)

    def rate(self, limit: int | None, batch_id: str) -> float | None:
        """The part of a limit per minute for each lane at work of the batch, which has its turn. None: no limit."""
        if limit is None:
            return None
        batches = {name for name, _ in self.slots}
        return limit / len(batches) / sum(name == batch_id for name, _ in self.slots)


def shares(limit: int, lanes: Mapping[str, AbstractSet[int]], turn: int) -> Shares:
    """The parts of a deployment's `limit` of requests in flight (1 or more), for the `lanes` of each batch.

    Equal parts for the batches, and for the lanes of each; remainders go to the lowest ids. Parts are whole, so that
    lanes of a batch may get none. Where the limit is below the number of batches, so many of them have the `turn`, and
    as many others the next: none waits for longer than it takes all to have theirs. Shares sum to the limit.
    """
    names = sorted(lanes)
    offset = turn * limit if limit < len(names) else 0
    slots = {}
    for index, name in enumerate(names):
        part = _part(limit, len(names), (index - offset) % len(names))
        for rank, lane in enumerate(sorted(lanes[name])):
            slots[name, lane] = _part(part, len(lanes[name]), rank)
    return Shares({key: slot for key, slot in slots.items() if slot})


def turn_at(now: datetime, turn_seconds: float) -> int:
    """The number of the turn, the same for every lane. Batches take turns where the limit is too small for all."""
    return int(now.timestamp() // turn_seconds)


def until_next_turn(now: datetime, turn_seconds: float) -> float:
    """Seconds."""
    return turn_seconds - now.timestamp() % turn_seconds


def _part(total: int, parts: int, rank: int) -> int:
    return total // parts + (rank < total % parts)


class Window:
    """How many requests a lane may have in flight: additive increase, multiplicative decrease (AIMD).

    Starts at the lane's share, halves when the upstream throttles, grows by one for every window of successes, and
    never leaves 1..share. Throttling counts once a second: answers already under way speak of the same overload.
    """

    def __init__(self, share: int) -> None:
        self._share = share
        self._size = float(share)
        self._last_cut = float("-inf")

    @property
    def size(self) -> int:
        """Requests in flight allowed now."""
        return int(self._size)

    def resize(self, share: int) -> None:
        """The lane's share changed. A window that was not cut follows it up; a cut one has to earn its growth."""
        uncut = self._size >= self._share
        self._share = share
        self._size = float(share) if uncut else min(self._size, float(share))

    def succeeded(self) -> None:
        self._size = min(float(self._share), self._size + 1.0 / self._size)

    def throttled(self, now: float) -> None:
        """`now` in monotonic seconds."""
        if now - self._last_cut >= 1.0:
            self._last_cut = now
            self._size = max(1.0, self._size / 2)


class Pacer:
    """Requests and tokens per minute of one lane: two token buckets holding one second's worth; None is unlimited.

    In any minute a lane sends at most its share and one second's worth of it, or one request if that is more.
    """

    def __init__(self, requests_per_minute: float | None, tokens_per_minute: float | None, now: float) -> None:
        self._requests = _Bucket(requests_per_minute, now)
        self._tokens = _Bucket(tokens_per_minute, now)

    def resize(self, requests_per_minute: float | None, tokens_per_minute: float | None, now: float) -> None:
        """The lane's share changed; what was used stays used."""
        self._requests.resize(requests_per_minute, now)
        self._tokens.resize(tokens_per_minute, now)

    def delay(self, tokens: int, now: float) -> float:
        """0 and the request counts as sent, or the seconds until it may be asked for again. `now` is monotonic."""
        delay = max(self._requests.wait(1, now), self._tokens.wait(tokens, now))
        if delay == 0.0:
            self._requests.take(1)
            self._tokens.take(tokens)
        return delay


class _Bucket:
    """Refills continuously. A request larger than the bucket may go when it is full, and leaves it in debt."""

    def __init__(self, per_minute: float | None, now: float) -> None:
        self._rate = (per_minute or 0) / 60.0
        self._unlimited = per_minute is None
        self._level = max(1.0, self._rate)
        self._at = now

    def resize(self, per_minute: float | None, now: float) -> None:
        self._refill(now)
        self._rate = (per_minute or 0) / 60.0
        self._unlimited = per_minute is None

    def wait(self, amount: int, now: float) -> float:
        if self._unlimited:
            return 0.0
        self._refill(now)
        missing = min(float(amount), max(1.0, self._rate)) - self._level
        return missing / self._rate if missing > 1e-9 else 0.0

    def take(self, amount: int) -> None:
        if not self._unlimited:
            self._level -= amount

    def _refill(self, now: float) -> None:
        self._level = min(max(1.0, self._rate), self._level + (now - self._at) * self._rate)
        self._at = now
