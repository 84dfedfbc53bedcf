"""What has become of the run that a lane belongs to: its operator may have ended or suspended it, or another began.

Neither reaches a lane by itself: ending a run ends nothing below it, and a run that is started again leaves the lanes
of the one before at work. So lanes ask.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from typing import Any

import msgspec

from shared.run.batches.orchestrations import Orchestrations

log = logging.getLogger(__name__)


class Verdict(Enum):
    GO_ON = auto()
    WAIT = auto()  # suspended: come again later
    END = auto()  # terminated, or another run of the batch is at work


AskRun = Callable[[], Awaitable[Verdict]]


def asking(client: Orchestrations | None, lane: Mapping[str, Any]) -> AskRun:
    """A way to ask for the run of this lane, given the lane's input. Without an answer, it goes on."""

    async def ask() -> Verdict:
        if client is None:
            return Verdict.GO_ON
        try:
            status = await client.get_status(lane["batch_id"], show_input=True)
        except Exception as error:  # the client raises bare Exceptions, and those of its HTTP library
            extra = {"action": "run_not_seen", "batch_id": lane["batch_id"], "reason": type(error).__name__}
            log.info("A lane could not ask what has become of its run.", extra=extra)
            return Verdict.GO_ON
        return judge(status.runtime_status.name if status.runtime_status else None, status.input_, lane.get("run"))

    return ask


def judge(status: str | None, run_input: object, own_run: str | None) -> Verdict:
    """`status` is the durable host's word, None for no run; `run_input` what the run was started with."""
    if status == "Terminated":
        return Verdict.END
    if _name_of(run_input) not in (None, own_run):
        return Verdict.END
    return Verdict.WAIT if status == "Suspended" else Verdict.GO_ON


def _name_of(run_input: object) -> str | None:
    """Hosts give an input as it is, or as its JSON text."""
    if isinstance(run_input, str):
        try:
            run_input = msgspec.json.decode(run_input)
        except msgspec.DecodeError:
            return None
    name = run_input.get("run") if isinstance(run_input, dict) else None
    return name if isinstance(name, str) else None
