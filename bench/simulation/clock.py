"""Virtual time: an event queue, servers that work off what they are given in order, and instances with slots.

A process is a generator. It yields seconds to sleep, or a `Turn` to wait for.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

Process = Generator[Any, None, None]


class Clock:
    """`start` processes, then `run` until none is left."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Process]] = []
        self._numbers = itertools.count()

    def start(self, process: Process, after: float = 0.0) -> None:
        heapq.heappush(self._queue, (self.now + after, next(self._numbers), process))

    def run(self) -> None:
        while self._queue:
            self.now, _, process = heapq.heappop(self._queue)
            try:
                wanted = next(process)
            except StopIteration:
                continue
            if isinstance(wanted, Turn):
                wanted.process = process
            else:
                self.start(process, wanted)


@dataclass
class Turn:
    """What a process waits for; whoever fulfils it starts the process again."""

    process: Process | None = None
    instance: Instance | None = None


class Server:
    """Works off amounts one after another, `rate` of them a second."""

    def __init__(self, rate: float = math.inf) -> None:
        self.rate = rate
        self.busy_seconds = 0.0
        self._free_at = 0.0

    def take(self, amount: float, now: float) -> float:
        """Seconds until the amount is through, those before it included."""
        work = amount / self.rate
        self.busy_seconds += work
        self._free_at = max(self._free_at, now) + work
        return self._free_at - now


@dataclass(eq=False)
class Instance:
    """One machine: so many slots for activities, and worker processes with the lanes each has."""

    free: int
    processes: list[Server]
    begun_at: float = 0.0
    idle_since: float = 0.0
    users: dict[Server, int] = field(default_factory=dict)

    def enter(self) -> Server:
        """The process with the least lanes; give it back to `leave`."""
        process = min(self.processes, key=lambda one: self.users.get(one, 0))
        self.users[process] = self.users.get(process, 0) + 1
        return process

    def leave(self, process: Server) -> None:
        self.users[process] -= 1


class Instances:
    """Activities wait for a slot in order. Waiting starts further instances, up to a number; idle ones go away."""

    def __init__(
        self, clock: Clock, *, most: int, ready: int, slots: int, processes: int, speed: float, start_seconds: float
    ) -> None:
        self._clock = clock
        self._most, self._ready, self._slots = most, ready, slots
        self._processes, self._speed, self._start_seconds = processes, speed, start_seconds
        self._waiting: deque[Turn] = deque()
        self._starting = 0
        self.gone_cpu_seconds = 0.0
        self.busy_seconds = 0.0  # of instances with at least one activity
        self.peak = 0
        self.all = [self._new() for _ in range(ready)]

    def _new(self) -> Instance:
        processes = [Server(self._speed) for _ in range(self._processes)]
        return Instance(free=self._slots, processes=processes, idle_since=self._clock.now)

    @property
    def is_full(self) -> bool:
        return len(self.all) + self._starting >= self._most

    @property
    def cpu_seconds(self) -> float:
        """Seconds for which processes were busy."""
        return self.gone_cpu_seconds + sum(process.busy_seconds for one in self.all for process in one.processes)

    def take(self) -> Generator[Turn, None, Instance]:
        """A slot on the least busy instance."""
        self._let_go()
        free = [one for one in self.all if one.free]
        if free and not self._waiting:
            instance = max(free, key=lambda one: one.free)
            self._occupy(instance)
            return instance
        turn = Turn()
        self._waiting.append(turn)
        if not self.is_full and len(self._waiting) > self._starting * self._slots:
            self._starting += 1
            self._clock.start(self._start())
        yield turn
        assert turn.instance is not None
        return turn.instance

    def _occupy(self, instance: Instance) -> None:
        if instance.free == self._slots:
            instance.begun_at = self._clock.now
        instance.free -= 1
        self.peak = max(self.peak, len(self.all))

    def give_back(self, instance: Instance) -> None:
        instance.free += 1
        if instance.free == self._slots:
            self.busy_seconds += self._clock.now - instance.begun_at
            instance.idle_since = self._clock.now
        while instance.free and self._waiting:
            turn = self._waiting.popleft()
            self._occupy(instance)
            turn.instance = instance
            assert turn.process is not None
            self._clock.start(turn.process)

    def _start(self) -> Process:
        yield self._start_seconds
        self._starting -= 1
        instance = self._new()
        instance.free -= 1
        instance.begun_at = self._clock.now
        self.all.append(instance)
        self.give_back(instance)

    def _let_go(self, idle_seconds: float = 60.0) -> None:
        """Instances beyond those kept ready leave after a minute without work."""
        for one in self.all[self._ready :]:
            if one.free == self._slots and self._clock.now - one.idle_since > idle_seconds:
                self.gone_cpu_seconds += sum(process.busy_seconds for process in one.processes)
                self.all.remove(one)
