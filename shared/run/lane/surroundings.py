"""What may end a lane's slice beside its batch: the host that started it, and the run it belongs to.

The run's operator may have ended or suspended it, or another has begun. Neither reaches a lane by itself: ending a run
ends nothing below it, and a run that is started again leaves the lanes of the one before at work. So lanes ask.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.domain.pace.lane_decision import HostState
from shared.domain.pace.run_state import RunState, state_of_run
from shared.run.batches.orchestrations import Orchestrations
from shared.run.lane.host_life import HostLife, host_life

log = logging.getLogger(__name__)

AskRun = Callable[[], Awaitable[RunState]]


def asking(client: Orchestrations | None, lane: Mapping[str, Any]) -> AskRun:
    """A way to ask for the run of this lane, given the lane's input. Without an answer, it goes on."""

    async def ask() -> RunState:
        if client is None:
            return RunState.GO_ON
        try:
            status = await client.get_status(lane["batch_id"], show_input=True)
        except Exception as error:  # the client raises bare Exceptions, and those of its HTTP library
            extra = {"action": "run_not_seen", "batch_id": lane["batch_id"], "reason": type(error).__name__}
            log.info("A lane could not ask what has become of its run.", extra=extra)
            return RunState.GO_ON
        name = status.runtime_status.name if status.runtime_status else None
        return state_of_run(name, status.input_, lane.get("run"))

    return ask


class Surroundings:
    """Of one slice, from now on. The run is asked for every `run_seconds`."""

    def __init__(self, ask_run: AskRun, run_seconds: float, life: HostLife = host_life) -> None:
        self._ask_run = ask_run
        self._run_seconds = run_seconds
        self._life = life
        self._host_ends = life.begin()
        self._run_due = time.monotonic() + run_seconds

    async def run(self) -> RunState | None:
        """None: it is too early to ask again."""
        if time.monotonic() < self._run_due:
            return None
        self._run_due = time.monotonic() + self._run_seconds
        return await self._ask_run()

    def host(self) -> HostState:
        if self._life.ends() == self._host_ends:
            return HostState.STAYS
        return HostState.GONE if self._life.is_gone else HostState.STOPS
