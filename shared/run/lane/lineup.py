"""The lines that a lane has read and not begun, and which of them goes next, and where to.

Where a deployment has several targets, lines that share a prompt's prefix go to the same one, for its cache is its own
(ADR 0017). The feeder fills it and empties it; it never begins a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from shared.domain.lines.prefix_key import prefixes_of
from shared.domain.pace.braids import Braids, Opening
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.lane.sending import LOOK_SECONDS, Sending
from shared.run.lane.target_choice import homes, homes_of, openings
from shared.run.lane.target_pace import TargetPace

MOST_WAITING_BYTES: Final = 8_388_608  # Of lines that wait for leaders; past this no chunk is read before its turn.


class Waiting(NamedTuple):
    """A line that has been read; `tokens` are estimated. `keyed_by`: the prefix that a cache is to be told of."""

    opened: OpenChunk
    number: int
    raw: bytes
    tokens: int
    keyed_by: int | None = None


class Next(NamedTuple):
    """A line to begin: at `target`, if one waits for it. `answered` is to be called at the end of its call."""

    line: Waiting
    answered: Callable[[], None] | None
    target: TargetPace | None


class Lineup:
    """`add` a chunk's lines, `take` one after another; true while any waits.

    `braids`: they go by their prompts' prefixes. `keys`: these are told.
    """

    def __init__(self, sending: Sending, *, braids: bool, keys: bool = False) -> None:
        self._sending = sending
        self._targets = sending.targets if braids and sending.has_several else []
        self._looks = braids
        self._keys = keys
        self._braids = Braids[Waiting](len(self._targets))
        self._bytes = 0
        self._tokens = 0  # of the lines that came last, each

    def __len__(self) -> int:
        return len(self._braids)

    def add(self, lines: Sequence[Waiting]) -> None:
        """In input order."""
        nothing: list[int | None] = [None] * len(lines)
        prefixes = prefixes_of([line.raw for line in lines]) if self._looks or self._keys else nothing
        if self._keys:
            lines = [line._replace(keyed_by=prefix) for line, prefix in zip(lines, prefixes, strict=True)]
        prefixes = prefixes if self._looks else nothing
        self._braids.add([*zip(prefixes, homes_of(prefixes, self._targets), lines, strict=True)])
        self._bytes += sum(len(line.raw) for line in lines)
        self._tokens = lines[0].tokens if lines else self._tokens

    def wants_more(self, to_come: int) -> bool:
        """Whether lines of the next chunk are wanted, and there is room for them; `to_come` are not read yet.

        Lines for every target's cache, but no more than are still to come: lanes are to end together.
        """
        if self._bytes >= MOST_WAITING_BYTES:
            return False
        if not self._braids.has_homes:
            return self._braids.wants_more((), self._sending.places)
        if len(self) > to_come:
            return False
        return self._braids.wants_more([(each, self._targets[each].most) for each in homes(self._targets)], 0)

    async def take(self) -> Next:
        """The next line; there must be one. Where it depends on who has room, or is answered before, wait for that."""
        opened = await self._openings() if self._braids.has_homes else []
        if not opened and self._braids.may_turn:
            await self._sending.gate.opens()
        places = 0 if opened else self._sending.places
        line, leads, braid, home = self._braids.take(opened, places)
        self._bytes -= len(line.raw)
        answered = partial(braid.answered, leads) if leads is not None else None
        return Next(line, answered, self._targets[home] if home is not None else None)

    async def _openings(self) -> list[Opening]:
        """None at the stop, or where no target has room though the gate is open."""
        while await self._sending.gate.opens():
            found, delay = openings(self._targets, self._tokens, time.monotonic())
            if not delay:
                return found
            self._sending.gate.wake()  # Whoever else waits there need not wait for this line.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(delay, LOOK_SECONDS)):
                    await self._sending.stop.wait()
        return []
