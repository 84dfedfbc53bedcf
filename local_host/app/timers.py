"""Timer triggers: each fires when its schedule says, one run of it at a time.

Timer functions run in the host process, not in the activity workers: they are short and wait on I/O, one process
makes them singletons for free, and a host that stops can wait for them. The time of the next run is kept in a file
per timer, so that a run missed while the host was down is made up once, with `past_due` set, as the platform does.
A failing timer is logged and runs again at its next time.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from azure.functions.timer import TimerRequest

from local_host.app.function_index import InvalidApp, TimerFunction
from local_host.app.schedule import next_after

log = logging.getLogger(__name__)

# As on the platform: what fires more often than this is not made up for.
_SHORTEST_MONITORED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTimer:
    """A timer function and its schedule, settings substituted and checked."""

    function: TimerFunction
    schedule: str


def schedule_timers(
    functions: Sequence[TimerFunction], environment: Mapping[str, str], now: datetime
) -> list[ScheduledTimer]:
    """Substitute `%SETTING%` and check every schedule. Raises InvalidApp naming the timer and what is wrong."""
    timers = []
    for function in functions:
        try:
            schedule = re.sub(r"%([^%]+)%", lambda match: _setting(match[1], environment), function.schedule)
            next_after(schedule, now)
        except ValueError as error:
            raise InvalidApp(f"Timer {function.name!r}: {error}") from error
        timers.append(ScheduledTimer(function=function, schedule=schedule))
    return timers


def _setting(name: str, environment: Mapping[str, str]) -> str:
    if not environment.get(name):
        raise ValueError(
            f"its schedule is the setting {name}, which is not set: set it, such as {name}='0 */5 * * * *'"
        )
    return environment[name]


class Timers:
    """Runs the timers from `start` to `stop`. `folder` holds a file per timer; `now` gives aware UTC times."""

    def __init__(
        self, timers: Sequence[ScheduledTimer], *, folder: Path, client_binding: str, now: Callable[[], datetime]
    ) -> None:
        self._timers = timers
        self._folder = folder
        self._client_binding = client_binding
        self._now = now
        self._loops: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._loops = [asyncio.create_task(self._repeat(timer)) for timer in self._timers]

    async def stop(self, grace_seconds: float) -> None:
        """No new runs; those under way may take up to `grace_seconds` more."""
        for loop in self._loops:
            loop.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=grace_seconds)
        tasks = [*self._loops, *self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, timer: ScheduledTimer) -> None:
        last, missed = self._remembered(timer)
        past_due = missed is not None and missed <= self._now()
        if past_due or timer.function.run_on_startup:
            last = await self._fire(timer, last, past_due=past_due)
        while True:
            due = next_after(timer.schedule, self._now())
            self._remember(timer, last, due)
            await self._until(due)
            last = await self._fire(timer, last, past_due=False)

    async def _until(self, due: datetime) -> None:
        left = (due - self._now()).total_seconds()
        while left > 0:
            await asyncio.sleep(min(left, 60.0))  # In pieces: clocks are set, machines sleep.
            left = (due - self._now()).total_seconds()

    async def _fire(self, timer: ScheduledTimer, last: datetime | None, *, past_due: bool) -> datetime:
        at = self._now()
        run = asyncio.create_task(self._call(timer, last, at, past_due=past_due))
        self._running.add(run)
        run.add_done_callback(self._running.discard)
        await asyncio.shield(run)
        return at

    async def _call(self, timer: ScheduledTimer, last: datetime | None, at: datetime, *, past_due: bool) -> None:
        function = timer.function
        due = next_after(timer.schedule, at)
        status = {"Last": (last or at).isoformat(), "LastUpdated": at.isoformat(), "Next": due.isoformat()}
        arguments: dict[str, object] = {
            function.timer_parameter: TimerRequest(
                past_due=past_due, schedule_status=status, schedule={"AdjustForDST": True}
            )
        }
        if function.client_parameter:
            arguments[function.client_parameter] = self._client_binding
        try:
            if inspect.iscoroutinefunction(function.call):
                await function.call(**arguments)
            else:
                await asyncio.to_thread(function.call, **arguments)
        except Exception:  # User code: the next run is at its next time whatever happened in this one.
            log.exception("A timer failed.", extra={"action": "timer_failed", "function": function.name})

    def _is_monitored(self, timer: ScheduledTimer) -> bool:
        first = next_after(timer.schedule, self._now())
        return timer.function.use_monitor and next_after(timer.schedule, first) - first >= _SHORTEST_MONITORED

    def _file(self, timer: ScheduledTimer) -> Path:
        return self._folder / f"{timer.function.name}.json"

    def _remembered(self, timer: ScheduledTimer) -> tuple[datetime | None, datetime | None]:
        """The last run and the one that was due next; nothing where the schedule has changed since."""
        if not self._is_monitored(timer):
            return None, None
        try:
            kept = json.loads(self._file(timer).read_text())
            if kept["schedule"] != timer.schedule:
                return None, None
            return kept["last"] and datetime.fromisoformat(kept["last"]), datetime.fromisoformat(kept["next"])
        except FileNotFoundError:
            return None, None
        except (ValueError, KeyError, TypeError):
            log.warning(
                "A timer's file is unreadable; a missed run is not made up.", extra={"action": "timer_forgotten"}
            )
            return None, None

    def _remember(self, timer: ScheduledTimer, last: datetime | None, due: datetime) -> None:
        if not self._is_monitored(timer):
            return
        kept = {"schedule": timer.schedule, "last": last and last.isoformat(), "next": due.isoformat()}
        fresh = self._file(timer).with_suffix(".new")
        fresh.write_text(json.dumps(kept))
        fresh.replace(self._file(timer))
