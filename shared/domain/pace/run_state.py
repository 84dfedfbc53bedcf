"""What has become of the run that a lane belongs to, as the durable host tells it. Pure."""

from __future__ import annotations

from enum import Enum, auto

import msgspec


class RunState(Enum):
    """What a lane's run asks of it."""

    GO_ON = auto()
    WAIT = auto()  # suspended: come again later
    END = auto()  # terminated, or another run of the batch is at work


def state_of_run(status: str | None, run_input: object, own_run: str | None) -> RunState:
    """`status` is the durable host's word, None for no run; `run_input` what the run was started with."""
    if status == "Terminated":
        return RunState.END
    if _name_of(run_input) not in (None, own_run):
        return RunState.END
    return RunState.WAIT if status == "Suspended" else RunState.GO_ON


def _name_of(run_input: object) -> str | None:
    """Hosts give an input as it is, or as its JSON text."""
    if isinstance(run_input, str):
        try:
            run_input = msgspec.json.decode(run_input)
        except msgspec.DecodeError:
            return None
    name = run_input.get("run") if isinstance(run_input, dict) else None
    return name if isinstance(name, str) else None
