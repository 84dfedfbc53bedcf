"""Timer functions: when they run and what they are told."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from local_host.app.function_index import InvalidApp, TimerFunction
from local_host.app.timers import Timers, schedule_timers

HOURLY = "0 0 * * * *"
EVERY_SECOND = "* * * * * *"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def function(call: Callable[..., Any], **changes: Any) -> TimerFunction:
    values: dict[str, Any] = {
        "name": "sweep",
        "schedule": HOURLY,
        "use_monitor": True,
        "run_on_startup": False,
        "call": call,
        "timer_parameter": "timer",
        "client_parameter": None,
    }
    return TimerFunction(**{**values, **changes})


@asynccontextmanager
async def running(timer: TimerFunction, folder: Path, offset: timedelta = timedelta()) -> AsyncIterator[Timers]:
    """The timer, on a clock that runs like the real one from AT + offset."""
    began = datetime.now(UTC)

    def now() -> datetime:
        return AT + offset + (datetime.now(UTC) - began)

    timers = Timers(schedule_timers([timer], {}, AT), folder=folder, client_binding="{}", now=now)
    await timers.start()
    yield timers
    await timers.stop(grace_seconds=30.0)


def recorder() -> tuple[asyncio.Queue[func.TimerRequest], Callable[..., Any]]:
    seen: asyncio.Queue[func.TimerRequest] = asyncio.Queue()

    async def call(timer: func.TimerRequest) -> None:
        seen.put_nowait(timer)

    return seen, call


async def test_a_timer_runs_when_its_schedule_says(tmp_path) -> None:
    """Twice in a row, not past due, each time told its next run."""
    seen, call = recorder()
    async with running(function(call, schedule=EVERY_SECOND), tmp_path):
        first = await asyncio.wait_for(seen.get(), 60)
        second = await asyncio.wait_for(seen.get(), 60)
    assert [first.past_due, second.past_due] == [False, False]
    assert first.schedule_status["Next"] < second.schedule_status["Next"]


async def test_a_timer_does_not_run_before_its_time(tmp_path) -> None:
    """A first start is no missed run."""
    seen, call = recorder()
    async with running(function(call), tmp_path):
        await asyncio.sleep(0.1)
    assert seen.empty()


async def test_a_run_missed_while_the_host_was_down_is_made_up_once(tmp_path) -> None:
    """The next start runs it at once with `past_due`; the start after that does not."""
    seen, call = recorder()
    for offset, runs in ((0, 0), (5, 1), (5, 0)):
        async with running(function(call), tmp_path, timedelta(hours=offset)):
            while seen.qsize() < runs:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)  # In which no further one comes.
        assert seen.qsize() == runs
        assert all(seen.get_nowait().past_due for _ in range(runs))


@pytest.mark.parametrize(
    "changes", [{"use_monitor": False}, {"schedule": "0 30 * * * *"}], ids=["unmonitored", "rescheduled"]
)
async def test_a_run_is_not_made_up_without_monitor_or_on_a_new_schedule(tmp_path, changes) -> None:
    """Nothing was missed that the function still wants."""
    seen, call = recorder()
    async with running(function(call), tmp_path):
        await asyncio.sleep(0.05)
    async with running(function(call, **changes), tmp_path, timedelta(hours=5)):
        await asyncio.sleep(0.1)
    assert seen.empty()


async def test_an_unreadable_timer_file_is_ignored(tmp_path) -> None:
    """The timer runs at its next time; the log says that a missed run is lost."""
    (tmp_path / "sweep.json").write_text("{")
    seen, call = recorder()
    async with running(function(call), tmp_path):
        await asyncio.sleep(0.1)
    assert seen.empty()
    assert json.loads((tmp_path / "sweep.json").read_text())["next"] == "2026-03-04T06:00:00+00:00"


async def test_run_on_startup_runs_at_once(tmp_path) -> None:
    """It is not past due."""
    seen, call = recorder()
    async with running(function(call, run_on_startup=True), tmp_path):
        assert (await asyncio.wait_for(seen.get(), 60)).past_due is False


async def test_a_failing_timer_runs_again(tmp_path, caplog) -> None:
    """The failure is logged and the schedule goes on."""
    runs: list[int] = []

    async def call(timer: func.TimerRequest) -> None:
        runs.append(1)
        raise RuntimeError("no luck")

    with caplog.at_level(logging.ERROR):
        async with running(function(call, schedule=EVERY_SECOND), tmp_path):
            async with asyncio.timeout(60):
                while len(runs) < 2:  # noqa: ASYNC110 - the condition is the fact
                    await asyncio.sleep(0.02)
    assert "no luck" in caplog.text


async def test_a_slow_timer_never_runs_twice_at_a_time(tmp_path) -> None:
    """Runs that fall due meanwhile are skipped."""
    now, most = 0, 0

    async def call(timer: func.TimerRequest) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(1.5)
        now -= 1

    async with running(function(call, schedule=EVERY_SECOND), tmp_path):
        await asyncio.sleep(2.5)
    assert most == 1


async def test_stopping_lets_a_running_timer_finish(tmp_path) -> None:
    """Within the grace."""
    begun, done = asyncio.Event(), list[int]()

    async def call(timer: func.TimerRequest) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        done.append(1)

    async with running(function(call, run_on_startup=True), tmp_path):
        await begun.wait()
    assert done == [1]


async def test_stopping_cuts_a_timer_past_the_grace(tmp_path) -> None:
    """The stop is bounded whatever a function does."""

    begun = asyncio.Event()

    async def call(timer: func.TimerRequest) -> None:
        begun.set()
        await asyncio.sleep(60)

    async with running(function(call, run_on_startup=True), tmp_path) as timers:
        await begun.wait()
        async with asyncio.timeout(30):
            await timers.stop(grace_seconds=0.1)


async def test_sync_timers_and_clients_are_given_their_arguments(tmp_path) -> None:
    """A sync function runs in a thread; the client binding arrives under its name."""
    seen: list[str] = []

    def call(timer: func.TimerRequest, starter: str) -> None:
        seen.append(starter)

    async with running(function(call, run_on_startup=True, client_parameter="starter"), tmp_path):
        while not seen:
            await asyncio.sleep(0.01)
    assert seen == ["{}"]


def test_settings_are_substituted_in_schedules() -> None:
    """`%SETTING%` is the environment's value."""
    (timer,) = schedule_timers([function(print, schedule="%SWEEP%")], {"SWEEP": HOURLY}, AT)
    assert timer.schedule == HOURLY


@pytest.mark.parametrize(
    ("environment", "words"), [({}, "SWEEP, which is not set"), ({"SWEEP": "often"}, "six fields")]
)
def test_a_schedule_that_cannot_be_is_refused(environment, words) -> None:
    """The message names the timer and what is wrong."""
    with pytest.raises(InvalidApp, match=rf"'sweep'.*{words}"):
        schedule_timers([function(print, schedule="%SWEEP%")], environment, AT)
