"""Stores as they are on a bad day: slow, failing before or after a write took effect, gone for a while.

`Faulting` goes around any store of `shared.ports`. Each call is a request and a response, with the store's own method
in between, which takes effect at one moment: what is lost on the way there has no effect, what is lost on the way back
has it all the same.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, fields, replace
from functools import partial
from random import Random
from typing import Any, Final

from shared.domain.errors import Unavailable
from shared.ports.stores import Stores
from tests.faults.processes import current


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The `number`th call (from 1) of all; `late`: when it has taken effect, else before."""

    number: int
    late: bool = False


@dataclass(kw_only=True)
class Weather:
    """What calls meet. `before` and `after` are shares of calls that fail; `outages` spans of loop time.

    A call takes up to `delay_seconds` each way; `slow_share` of them take `slow_seconds`. `events` happen at the
    moments given.
    """

    dice: Random
    before: float = 0.0
    after: float = 0.0
    delay_seconds: float = 0.01
    slow_share: float = 0.0
    slow_seconds: float = 20.0
    outages: tuple[tuple[float, float], ...] = ()
    events: Mapping[Moment, Callable[[], None]] = field(default_factory=dict)
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def clear_up(self) -> None:
        """From now on nothing goes wrong."""
        self.before = self.after = self.slow_share = 0.0
        self.outages, self.events = (), {}

    async def request(self) -> int:
        """The number of the call. Raises Unavailable, Killed."""
        current().check()
        self.calls += 1
        number = self.calls
        await self._pass(Moment(number=number), self.before)
        return number

    async def response(self, number: int) -> None:
        """Raises Unavailable, Killed."""
        await self._pass(Moment(number=number, late=True), self.after)

    async def _pass(self, moment: Moment, failing: float) -> None:
        if moment in self.events:
            self.events[moment]()
        current().check()
        await asyncio.sleep(self._delay())
        current().check()
        if self._is_down() or self.dice.random() < failing:
            self.faults["late" if moment.late else "early"] += 1
            raise Unavailable("The storage does not answer. Try again.")

    def _delay(self) -> float:
        return self.slow_seconds if self.dice.random() < self.slow_share else self.dice.random() * self.delay_seconds

    def _is_down(self) -> bool:
        now = asyncio.get_running_loop().time()
        return any(begin <= now < end for begin, end in self.outages)


_NOTHING: Final = object()


class Faulting:
    """`real`, in this weather."""

    def __init__(self, real: Any, weather: Weather) -> None:
        self._real = real
        self._weather = weather

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        return partial(self._iterate if inspect.isasyncgenfunction(method) else self._call, method)

    async def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        number = await self._weather.request()
        try:
            return await method(*arguments, **named)
        finally:
            await self._weather.response(number)

    async def _iterate(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> AsyncIterator[Any]:
        number = await self._weather.request()
        async with aclosing(method(*arguments, **named)) as items:
            try:
                item = await anext(items, _NOTHING)
            finally:  # Nothing, or a refusal, is an answer as well.
                await self._weather.response(number)
            while item is not _NOTHING:
                yield item
                if (item := await anext(items, _NOTHING)) is not _NOTHING:
                    await self._weather.response(number)


def in_weather(stores: Stores, weather: Weather) -> Stores:
    """All of them, in this weather."""
    real = {each.name: getattr(stores, each.name) for each in fields(Stores) if each.name != "close"}
    return replace(stores, **{name: Faulting(store, weather) for name, store in real.items()})
