"""Fair share: how much of a deployment one lane may use now, and how it keeps to that.

Rule of this file: no clock and no lock. Every lane computes its share from the same heartbeats by the same rule, so the
shares add up without anybody handing them out; between two reads of the heartbeats they may overlap for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.domain.heartbeat import Heartbeat


def share(  # noqa: PLR0917 one call, in the order of the docstring
    limit: int, heartbeats: Sequence[Heartbeat], batch_id: str, lane: int, now: datetime, stale_after_seconds: float
) -> int:
    """This lane's part of a deployment's `limit` (requests in flight, or requests or tokens per minute); at least 1.

    Equal parts for the live batches, and for the live lanes of each; remainders go to the lowest ids. No batch gets
    less than its lanes, so the shares sum to `limit` whenever it is at least the number of live lanes.
    """
    lanes = _live_lanes(heartbeats, now, stale_after_seconds)
    own = lanes.setdefault(batch_id, set())
    own.add(lane)
    part = _batch_parts(limit, {name: len(numbers) for name, numbers in lanes.items()})[batch_id]
    return max(1, _part(part, len(own), sorted(own).index(lane)))


def _live_lanes(heartbeats: Sequence[Heartbeat], now: datetime, stale_after_seconds: float) -> dict[str, set[int]]:
    lanes: dict[str, set[int]] = {}
    for beat in heartbeats:
        if (now - beat.at).total_seconds() <= stale_after_seconds:
            lanes.setdefault(beat.batch_id, set()).add(beat.lane)
    return lanes


def _batch_parts(limit: int, lanes: dict[str, int]) -> dict[str, int]:
    """Batches with more lanes than an equal part get one per lane; the others share what is left equally."""
    parts: dict[str, int] = {}
    left, open_batches = limit, sorted(lanes, key=lambda name: (-lanes[name], name))
    while open_batches and lanes[open_batches[0]] > left // len(open_batches):
        name = open_batches.pop(0)
        parts[name] = lanes[name]
        left -= lanes[name]
    for rank, name in enumerate(sorted(open_batches)):
        parts[name] = _part(left, len(open_batches), rank)
    return parts


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

    def __init__(self, requests_per_minute: int | None, tokens_per_minute: int | None, now: float) -> None:
        self._requests = _Bucket(requests_per_minute, now)
        self._tokens = _Bucket(tokens_per_minute, now)

    def resize(self, requests_per_minute: int | None, tokens_per_minute: int | None, now: float) -> None:
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

    def __init__(self, per_minute: int | None, now: float) -> None:
        self._rate = (per_minute or 0) / 60.0
        self._unlimited = per_minute is None
        self._level = max(1.0, self._rate)
        self._at = now

    def resize(self, per_minute: int | None, now: float) -> None:
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
