"""What a lane may spend: before each request its chunk holds money for it in the account of whoever can stop the batch.

So many lanes, of whichever batches and hosts, spend no more than a limit together, but for what is in flight when it is
reached. A chunk asks for the more at a time the more there is left; where there is nothing, the batch is stopped.
Without such payers nothing is asked.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Final

from shared.domain.batches.batch import Stopped
from shared.domain.batches.spending import Payer, limit_stops, reservation
from shared.domain.deployments.price import Price, cost_of
from shared.domain.errors import Unavailable, WrongState
from shared.run.batches.change import change
from shared.run.chunks.open_chunk import OpenChunk
from shared.run.lane.gate import MaySend
from shared.run.lane.post import Post
from shared.run.usage.spending import hold, settle
from shared.services import Services

log = logging.getLogger(__name__)

LINES_AT_ONCE: Final = 16  # Are paid for in advance, as long as nobody knows what is left.
PART: Final = 8  # A chunk asks for no more than this part of what is left for all, but for one line.


class _Tab:
    """Of one chunk: what its first `lines` finished lines cost, and what it holds, by account."""

    def __init__(self, opened: OpenChunk, price: Price) -> None:
        self.opened = opened
        self.index = opened.chunk.index
        self.spent = 0
        self.held: dict[str, int] = {}
        self._price = price
        self._lines = 0

    def count(self) -> None:
        """What has finished since."""
        new = self.opened.journal.usages_from(self._lines)
        self._lines += len(new)
        self.spent += sum(cost_of(usage, self._price) for usage in new)

    def lacks(self, account: str) -> bool:
        """Whether it has spent what it does not hold."""
        return self.spent > self.held.get(account, 0)

    def step(self, expected: int, room: int | None) -> int:
        """Picos for one line at least, and for all that are left at most; `expected`: of a line, `room`: for all."""
        line, left = max(1, expected, self.spent // max(1, self._lines)), self.opened.chunk.lines - self._lines
        return max(line, min(line * left, line * LINES_AT_ONCE if room is None else room // PART))


class Purse:
    """`permit` for each line; sets `stop` when there is no money left."""

    def __init__(self, service: Services, post: Post, stop: asyncio.Event) -> None:
        self.batch_id = post.batch.id
        self._service = service
        self._batch = post.batch
        self._payers = post.payers
        self._stop = stop
        self._tabs: dict[int, _Tab] = {}  # of chunks that are open, or have not paid for all that they spent
        self._room: dict[str, int] = {}
        self._asking = asyncio.Lock()

    def permit(self, opened: OpenChunk) -> MaySend | None:
        """What a line of the chunk has to ask before each request."""
        return partial(self._may_send, opened) if self._payers else None

    async def _may_send(self, opened: OpenChunk) -> bool:
        try:
            async with self._asking:
                return await self._has_money(opened)
        except Unavailable:  # Nobody knows what is left: the next slice asks again.
            log.warning(
                "A lane could not ask for money.",
                exc_info=True,
                extra={"action": "hold_failed", "batch_id": self.batch_id},
            )
            self._stop.set()
            return False

    async def _has_money(self, opened: OpenChunk) -> bool:
        own = self._count(opened)
        for payer in self._payers:
            if self._stop.is_set():
                return False
            if not await self._covers(payer, own) and not await self._covers_after_all(payer, own):
                await self._end(payer)
                return False
        return True

    def _count(self, opened: OpenChunk) -> _Tab:
        """The chunk's tab, and all others, as they are now."""
        own = self._tabs.setdefault(opened.chunk.index, _Tab(opened, self._batch.price or Price()))
        for tab in list(self._tabs.values()):
            tab.count()
            if tab.opened.is_over and not any(tab.lacks(payer.account) for payer in self._payers):
                del self._tabs[tab.index]
        return own

    async def _covers(self, payer: Payer, own: _Tab) -> bool:
        """Whether the lane holds what it has spent, and its chunk some more; asks for what it lacks."""
        account = payer.account
        for tab in self._tabs.values():
            if tab is not own and tab.lacks(account) and not await self._hold(payer, tab, tab.spent):
                return False
        if own.spent < own.held.get(account, 0):
            return True
        await self._hold(payer, own, own.spent + own.step(self._expected, self._room.get(account)))
        return own.spent < own.held[account]

    async def _covers_after_all(self, payer: Payer, own: _Tab) -> bool:
        """The same once more: sealed chunks count twice until that is told, and open ones may hold too much."""
        rows = await self._service.stores.chunks.list(self.batch_id)
        await settle(self._service, self._batch, rows)
        for row in rows:
            if row.sealed:
                self._tabs.pop(row.index, None)
        for tab in self._tabs.values():
            await self._hold(payer, tab, tab.spent)
        return await self._covers(payer, own)

    async def _hold(self, payer: Payer, tab: _Tab, picos: int) -> bool:
        found = await hold(self._service, self._batch, payer, tab.index, picos)
        tab.held[payer.account], self._room[payer.account] = found
        return found.picos >= picos

    @property
    def _expected(self) -> int:
        """Picos of a line, as they were reserved."""
        return reservation(self._batch) // max(1, self._batch.total)

    async def _end(self, payer: Payer) -> None:
        """Where the record says so already, well; where it cannot be written, the next slice finds the same."""
        self._stop.set()
        if payer.limit is None:
            return
        with suppress(WrongState):
            await change(self._service, self._batch, Stopped(errors=(limit_stops(payer.name, payer.limit),)))
