"""One activity worker, started by `ActivityPool` as `python -m local_host.workers.activity_worker NAME [--spare]`.

Rule: it lives exactly as long as its host wants it to: the end of its input, also by a kill of the host, ends it at
once, whatever it is doing, so that no orphan goes on calling an upstream. Signals are for the host to handle. What
activities print goes to stderr; the channel is theirs to reach in no way.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from azure.functions._durable_functions import df_dumps, df_loads

from local_host.workers import failures, process_title
from local_host.workers.activity_channel import (
    SPARE,
    SPARE_TITLE,
    Answer,
    Call,
    Done,
    Failed,
    Ready,
    Stop,
    frame,
    read_order,
)
from shared.run.lane.host_life import host_life

log = logging.getLogger(__name__)

Activities = Mapping[str, Callable[[Any], Any]]


def load_activities(bootstrap: str) -> Activities:
    """Call `module:function`, which prepares the process and returns activity name -> function of one argument."""
    module, _, function = bootstrap.partition(":")
    activities: Activities = getattr(importlib.import_module(module), function)()
    return activities


async def answer(activities: Activities, call: Call) -> Answer:
    """Run one activity as the real worker does: decoded input, encoded result, failures as text."""
    if call.name not in activities:
        known = ", ".join(sorted(activities)) or "none"
        reason = f"The function app has no activity named '{call.name}'; it has: {known}."
        return Failed(number=call.number, reason=reason, details="")
    try:
        result = await _invoke(activities[call.name], _decoded(call.input))
        return Done(number=call.number, result=df_dumps(result))
    except (Exception, asyncio.CancelledError, SystemExit) as error:  # It is the orchestrator's to judge.
        log.warning("An activity raised.", exc_info=True, extra={"action": "activity_failed", "activity": call.name})
        stack = "".join(traceback.format_exception(error))
        failure = failures.raised(call.name, f"{type(error).__name__}: {error}", stack)
        return Failed(number=call.number, reason=failure.reason, details=failure.details)


async def _invoke(activity: Callable[[Any], Any], argument: Any) -> Any:
    if inspect.iscoroutinefunction(activity):
        return await activity(argument)
    return await asyncio.to_thread(activity, argument)


def _decoded(text: str) -> Any:
    try:
        return df_loads(text)
    except json.JSONDecodeError:
        return text


async def serve(activities: Activities, calls: IO[bytes], send: Callable[[Answer], None]) -> None:
    """Answer calls, side by side, for the life of the process."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()

    async def run(call: Call) -> None:
        send(await answer(activities, call))

    def begin(call: Call) -> None:
        process_title.restore()
        task = loop.create_task(run(call))
        running.add(task)
        task.add_done_callback(running.discard)

    threading.Thread(target=_listen, args=(calls, loop, begin), name="calls", daemon=True).start()
    send(Ready())
    await asyncio.Event().wait()


def _listen(calls: IO[bytes], loop: asyncio.AbstractEventLoop, begin: Callable[[Call], None]) -> None:
    """In a thread of its own, so that the host's end is noticed even while an activity blocks the event loop."""
    while (order := read_order(calls)) is not None:
        if isinstance(order, Stop):
            host_life.stops()
        else:
            loop.call_soon_threadsafe(begin, order)
    os._exit(0)


def _take_pipes() -> tuple[IO[bytes], Callable[[Answer], None]]:
    """Move the channel away from stdin and stdout, which from here on are empty and stderr, for C code too."""
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)

    def send(message: Answer) -> None:
        rest = memoryview(frame(message))
        try:
            while rest:
                rest = rest[os.write(answers, rest) :]
        except OSError:  # The host is gone.
            os._exit(0)

    return calls, send


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main(bootstrap: str, *, is_spare: bool) -> None:
    if is_spare:  # Whoever looks at the processes of this machine can tell it from those at work.
        process_title.become(f"{SPARE_TITLE}, starting")
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    calls, send = _take_pipes()
    activities = load_activities(bootstrap)
    if is_spare:
        process_title.become(f"{SPARE_TITLE}, ready")
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(activities, calls, send))


if __name__ == "__main__":
    main(sys.argv[1], is_spare=SPARE in sys.argv)
