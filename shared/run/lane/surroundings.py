"""What may end a lane's slice beside its batch: its host, the run it belongs to, and others that want its place."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from shared.domain.batches.hold_up import suspended
from shared.run.lane.host_life import LOOK_SECONDS, host_life
from shared.run.lane.post import Post
from shared.run.lane.run_state import Verdict
from shared.run.lane.signals import Signals

SUSPENDED_SECONDS: Final = 15.0  # A lane of a suspended run asks again after this time.


class Surroundings:
    """Of the lane at `post`. `run_ended`: it was terminated, or another run is at work; there is no next slice."""

    def __init__(self, post: Post, signals: Signals, run_seconds: float) -> None:
        self._post = post
        self._signals = signals
        self._run_seconds = run_seconds
        self._host_ends = host_life.begin()
        self._run_due = time.monotonic() + run_seconds
        self.run_ended = False

    async def look(self) -> bool:
        """Whether the slice has to end."""
        if time.monotonic() >= self._run_due:
            await self._look_at_run()
        return self.run_ended or self._post.place.must_leave

    async def _look_at_run(self) -> None:
        self._run_due = time.monotonic() + self._run_seconds
        verdict = await self._post.ask_run()
        self.run_ended = verdict is Verdict.END
        if verdict is Verdict.WAIT:
            self._signals.hold(SUSPENDED_SECONDS, suspended())

    async def host_ends(self) -> bool:
        """Wait until the host stops; True if it is gone. Most often cancelled. Meanwhile, make room when asked."""
        while host_life.ends() == self._host_ends:
            if self._post.place.must_leave:  # At once: until the lane has left, it holds a slot too many.
                self._signals.stop.set()
            await asyncio.sleep(LOOK_SECONDS)
        return host_life.is_gone
