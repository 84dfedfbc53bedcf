"""Where one activity call works: on which lane, in whose name, at which place of this process, for which run."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.pace.lane_room import Place
from shared.run.lane.run_state import AskRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`lane` of `lanes`; `holder` names the call (see `holder`); `ask_run` tells what has become of the lane's run."""

    lane: int
    lanes: int
    holder: str
    place: Place
    ask_run: AskRun
