"""Fair share: how much of a deployment one lane may use now, and how it keeps to that.

Rule of this file: no clock and no lock. Every lane computes its share from the same heartbeats by the same rule, so the
shares add up without anybody handing them out; between two reads of the heartbeats they may overlap for a moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

import msgspec

_WHOLE: Final = 1 << 64
_GOLDEN: Final = 11_400_714_819_323_198_485  # _WHOLE over the golden ratio.
FLOOR: Final = 8  # One in so many of its parts is what a batch keeps where another of its project is at risk.


class Claim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a batch may ask for beside others: its project has `weight` parts, of which it has `urgency`.

    `due` is its deadline, if that was at risk `at` the time when its lane looked (`deadline_risk`).
    """

    project: str = ""
    weight: int = 1
    urgency: int = 1
    due: datetime | None = None
    at: datetime | None = None


class Shares(msgspec.Struct, frozen=True):
    """Who may have how many requests in flight, and what part of each batch's is of all rates, from 0 to 1.

    Lanes and batches that may have none are not in it.
    """

    slots: Mapping[tuple[str, int], int]
    parts: Mapping[str, float]

    def of(self, batch_id: str, lane: int) -> int:
        return self.slots.get((batch_id, lane), 0)

    def has_turn(self, batch_id: str) -> bool:
        """Whether any lane of the batch may work."""
        return batch_id in self.parts

    def rate(self, limit: int | None, batch_id: str) -> float | None:
        """The part of a limit per minute for each lane at work of the batch, which has its turn. None: no limit."""
        if limit is None:
            return None
        return limit * self.parts[batch_id] / sum(name == batch_id for name, _ in self.slots)


def shares(
    limit: int, lanes: Mapping[str, AbstractSet[int]], turn: int, claims: Mapping[str, Claim] | None = None
) -> Shares:
    """The parts of a deployment's `limit` of requests in flight (1 or more), for the `lanes` of each batch.

    Projects have parts by weight, the batches of each by urgency, the lanes of each equal ones; all of them whole, so
    that lanes may get none. Of those at risk in a project, the one with the earliest deadline has seven eighths of the
    parts of the project's others. Where a batch's part is less than one, batches have theirs in turns: none is ever
    passed over. Shares sum to the limit. `claims` of None: all are equal.
    """
    weights = _weights({name: (claims or {}).get(name, Claim()) for name in lanes})
    total, least = sum(weights.values()), min(weights.values())
    takes_turns = limit * least < total
    end = -_turned(turn, limit, weights, total) if takes_turns else 0
    slots, parts = {}, {}
    for name, weight in weights.items():
        begin, end = end, end + limit * weight
        part = -(-end // total) - -(-begin // total)
        if part:
            parts[name] = part / limit if takes_turns else weight / total
        for rank, lane in enumerate(sorted(lanes[name])):
            slots[name, lane] = _part(part, len(lanes[name]), rank)
    return Shares({key: slot for key, slot in slots.items() if slot}, parts)


def _turned(turn: int, limit: int, weights: Mapping[str, int], total: int) -> int:
    """Where on the circle of all parts the turn begins.

    Equal parts are taken one after another. Where they differ, steps by the golden ratio visit all of the circle
    evenly: a part of x comes at least every three turns in x, and no large part has many turns together.
    """
    if min(weights.values()) == max(weights.values()):
        return turn * limit * min(weights.values()) % total
    return (turn * _GOLDEN % _WHOLE) * total // _WHOLE


def _weights(claims: Mapping[str, Claim]) -> dict[str, int]:
    """Of each batch beside all others, in whole numbers; those of a project stand together."""
    claims = _earliest_first(claims)
    urgencies: dict[str, int] = {}
    projects: dict[str, int] = {}
    for claim in claims.values():
        urgencies[claim.project] = urgencies.get(claim.project, 0) + claim.urgency
        projects[claim.project] = max(projects.get(claim.project, 0), claim.weight)  # it may just have been changed
    whole = math.lcm(*urgencies.values())
    return {
        name: projects[claim.project] * claim.urgency * (whole // urgencies[claim.project])
        for name, claim in sorted(claims.items(), key=lambda item: (item[1].project, item[0]))
    }


def _earliest_first(claims: Mapping[str, Claim]) -> dict[str, Claim]:
    """With the urgencies of projects that have a batch at risk: its first one takes from the others, down to the floor.

    They sum to `FLOOR` times what they were, so that each of the others has one in `FLOOR` of its parts.
    """
    found = dict(claims)
    at_risk = sorted((claim.due, name) for name, claim in claims.items() if claim.due is not None)
    for project, first in {claims[name].project: name for _, name in reversed(at_risk)}.items():
        total = sum(claim.urgency for claim in claims.values() if claim.project == project)
        urgency = claims[first].urgency + (FLOOR - 1) * total
        found[first] = msgspec.structs.replace(claims[first], urgency=urgency)
    return found


def turn_at(now: datetime, turn_seconds: float) -> int:
    """The number of the turn, the same for every lane. Batches take turns where the limit is too small for all."""
    return int(now.timestamp() // turn_seconds)


def until_next_turn(now: datetime, turn_seconds: float) -> float:
    """Seconds."""
    return turn_seconds - now.timestamp() % turn_seconds


def _part(total: int, parts: int, rank: int) -> int:
    return total // parts + (rank < total % parts)


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

    def wait_for_turn(self, ready: float) -> None:
        """So much is there of the next request: it goes when it is whole."""
        self._requests.lower(ready)

    def delay(self, tokens: int, now: float) -> float:
        """0 and the request counts as sent, or the seconds until it may be asked for again. `now` is monotonic."""
        delay = self.wait(tokens, now)
        if delay == 0.0:
            self._requests.take(1)
            self._tokens.take(tokens)
        return delay

    def wait(self, tokens: int, now: float) -> float:
        """What `delay` would say; nothing counts as sent."""
        return max(self._requests.wait(1, now), self._tokens.wait(tokens, now))


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

    def lower(self, level: float) -> None:
        self._level = min(self._level, level)

    def take(self, amount: int) -> None:
        if not self._unlimited:
            self._level -= amount

    def _refill(self, now: float) -> None:
        self._level = min(max(1.0, self._rate), self._level + (now - self._at) * self._rate)
        self._at = now
