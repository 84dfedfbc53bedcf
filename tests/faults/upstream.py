"""The upstream of a simulated day: slow, faulty, away for a while, and unable to answer some lines at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import msgspec

from bench.mock_behaviour import Bucket
from shared.answer_room import Share
from shared.domain.upstream.upstream import (
    FailureKind,
    UpstreamAnswer,
    UpstreamFailure,
    UpstreamRequest,
    UpstreamResponse,
)
from tests.faults.processes import current

SILENCE = "silence"  # no answer until the request's time is over
BREAKS = "breaks"  # our own code breaks
ONE_IN_FIVE = "one in five"  # as an outage of one target: so many are refused, the others answered

Outage = tuple[float, float, str]  # begin and end in seconds, and what a call meets in between


def _response(status: int, body: bytes, **headers: str) -> UpstreamResponse:
    return UpstreamResponse(status=status, headers=headers, body=body)


_WORDS = b'{"error": {"message": "no"}}'
TROUBLES: Mapping[str, Callable[[], UpstreamAnswer]] = {
    "down": lambda: _response(500, _WORDS),
    "gateway": lambda: _response(504, b"<html>"),
    "refusing": lambda: _response(429, _WORDS),
    "credential": lambda: _response(401, _WORDS),
    "unreachable": lambda: UpstreamFailure(kind=FailureKind.UNREACHABLE, detail="Connection refused."),
}
_PASSING: tuple[Callable[[], UpstreamAnswer], ...] = (
    lambda: _response(500, b"{}"),
    lambda: _response(429, b"{}", **{"retry-after": "2"}),
    lambda: _response(503, b"{}", **{"retry-after": "45"}),
    lambda: _response(200, b"<html>"),
    lambda: UpstreamFailure(kind=FailureKind.CONNECTION, detail="The connection was reset."),
    lambda: UpstreamFailure(kind=FailureKind.TIMEOUT, detail="No answer in time."),
)


def is_rejected(number: int) -> bool:
    """Some lines the upstream does not like."""
    return number % 9 == 4


@dataclass(kw_only=True)
class Upstream:
    """Answers after a while; `faults` of its answers are not the last word. `paid` counts last words by prompt.

    `cursed` are lines, by number, that always meet the same: one of TROUBLES, SILENCE or BREAKS. `targets` has the
    outages of each of several, at the hosts `t0`, `t1` and so on, and `per_minute` what each of them lets in (0: all).
    """

    dice: Random
    latency_seconds: float
    faults: float
    cursed: Mapping[int, str]
    outages: tuple[Outage, ...]
    targets: tuple[tuple[Outage, ...], ...] = ()
    per_minute: int = 0
    asked_of: Counter[str] = field(default_factory=Counter)  # by host
    refused: int = 0
    answered: list[float] = field(default_factory=list)  # the seconds at which there was a last word
    asked: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    paid: Counter[str] = field(default_factory=Counter)
    returns: list[float] = field(default_factory=list)  # seconds from an outage's end to the first call after it
    _over: int = 0
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        current().check()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._send(request)
        finally:
            self.in_flight -= 1

    async def _send(self, request: UpstreamRequest) -> UpstreamAnswer:
        prompt = msgspec.json.decode(request.body)["messages"][-1]["content"]
        self.asked[prompt] += 1
        host = request.url.split("/")[2]
        self.asked_of[host] += 1
        if self._is_over_limit(host):
            self.refused += 1
            return TROUBLES["refusing"]()
        if outage := self._outage() or self._outage_of(host):
            if outage != "unreachable":
                await asyncio.sleep(0.1)
            return TROUBLES[outage]()
        seconds = self.dice.random() * 2 * self.latency_seconds
        said = self._say(prompt)
        if said is None or seconds >= request.timeout_seconds:
            await asyncio.sleep(request.timeout_seconds)
            return UpstreamFailure(kind=FailureKind.TIMEOUT, detail="No answer in time.")
        await asyncio.sleep(seconds)
        return said

    def _outage(self) -> str | None:
        """What a call meets at this moment; notes the first one after each outage."""
        now = asyncio.get_running_loop().time()
        ended = [end for _, end, _ in self.outages if end <= now]
        if len(ended) > self._over:
            self._over = len(ended)
            self.returns.append(now - max(ended))
        return next((what for begin, end, what in self.outages if begin <= now < end), None)

    def _outage_of(self, host: str) -> str | None:
        """What a call of this one of several targets meets now."""
        now = asyncio.get_running_loop().time()
        outages = self.targets[int(host[1:])] if self.targets else ()
        found = next((what for begin, end, what in outages if begin <= now < end), None)
        return ("refusing" if self.dice.random() < 0.2 else None) if found == ONE_IN_FIVE else found

    def _is_over_limit(self, host: str) -> bool:
        bucket, now = self._buckets.setdefault(host, Bucket(self.per_minute)), asyncio.get_running_loop().time()
        if bucket.lacks(1, now):
            return True
        bucket.take(1)
        return False

    def _say(self, prompt: str) -> UpstreamAnswer | None:
        number = int(prompt[1:])
        curse = self.cursed.get(number)
        if curse == BREAKS:
            raise RuntimeError("Our own code breaks at this line.")
        if curse == SILENCE:
            return None
        if curse is not None:
            return TROUBLES[curse]()
        return self.dice.choice(_PASSING)() if self.dice.random() < self.faults else self._answer(prompt, number)

    def _answer(self, prompt: str, number: int) -> UpstreamAnswer:
        self.paid[prompt] += 1
        self.answered.append(asyncio.get_running_loop().time())
        if is_rejected(number):
            return _response(400, _WORDS)
        usage = {"prompt_tokens": number, "completion_tokens": 1}
        return _response(200, msgspec.json.encode({"model": "m-2026", "usage": usage}))

    async def close(self) -> None: ...
