"""How running batches are getting on, told to a person.

It reads batches, chunk rows and heartbeats, and tells of a batch when its status changed or it waits for another
reason, every few seconds while its counts move, the longer it runs the less often, and when it ends, also if it came
and went between two looks. It changes nothing and holds nothing but what it last told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from local_host.console.batch_lines import Fetching, Seen, ending, news
from shared.domain.batches.batch import Batch
from shared.domain.batches.live_counts import with_progress
from shared.domain.keys.project import DEFAULT_PROJECT
from shared.run.health.held_up import heartbeats, held_up
from shared.services import Services

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_SAY_SECONDS = 3.0
_SHARE_OF_AGE = 0.05  # Of a batch that has run for an hour a line every three minutes.
_RECENT = 20  # Newest batches of a project that a look considers.
_MOST_PROJECTS = 50  # Newest projects; of others' batches those are missed that come and go between two looks.


class Progress:
    """`say` gets each piece of news; `fetching` tells how results are had."""

    def __init__(self, service: Services, *, say: Callable[[str], None], fetching: Fetching) -> None:
        self._service, self._stores = service, service.stores
        self._say = say
        self._fetching = fetching
        self._began = service.now()
        self._said: dict[str, Seen] = {}
        self._ended: set[str] = set()

    async def run(self) -> None:
        """Look once a second until cancelled; a store that does not answer is asked again later."""
        while True:
            try:
                await self.look()
            except Exception:  # Whatever a store raises: watching must not end, nor disturb what is watched.
                log.warning("Progress could not be read.", exc_info=True, extra={"action": "progress_unreadable"})
                await asyncio.sleep(30.0)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Say what changed since the last look."""
        running = [batch async for batch in self._stores.batches.unfinished()]
        for batch in running:
            self._tell(await self._seen(batch))
        for batch_id in self._said.keys() - {batch.id for batch in running}:
            stored = await self._stores.batches.get(self._said.pop(batch_id).batch.owner, batch_id)
            if stored is not None:
                self._tell_end(stored.value)
        recent = await self._recent()
        self._ended &= {batch.id for batch in recent}
        for batch in recent:
            if batch.is_terminal and batch.created_at >= self._began:
                self._tell_end(batch)

    async def _seen(self, batch: Batch) -> Seen:
        rows, beats = await asyncio.gather(self._stores.chunks.list(batch.id), heartbeats(self._service, batch))
        reason = await held_up(self._service, batch, rows, beats)
        return Seen(batch=with_progress(batch, rows), at=self._service.now(), held_up=reason)

    async def _recent(self) -> list[Batch]:
        """Of each project, the oldest first."""
        projects = await self._stores.projects.list(limit=_MOST_PROJECTS)
        owners = {DEFAULT_PROJECT, *(project.id for project in projects)}
        found = [batch for owner in owners for batch in await self._stores.batches.list(owner, limit=_RECENT)]
        return sorted(found, key=lambda batch: batch.id)

    def _tell_end(self, batch: Batch) -> None:
        if batch.id not in self._ended:
            self._ended.add(batch.id)
            self._say(ending(batch, self._fetching))

    def _tell(self, now: Seen) -> None:
        before = self._said.get(now.batch.id)
        if before is None or _is_news(now, before):
            self._said[now.batch.id] = now
            self._say(news(now, before))


def _is_news(now: Seen, before: Seen) -> bool:
    reason, earlier = (seen.held_up and seen.held_up.reason for seen in (now, before))
    if now.batch.status is not before.batch.status or (reason and reason != earlier):
        return True
    age = (now.at - now.batch.created_at).total_seconds()
    if (now.at - before.at).total_seconds() < max(_SAY_SECONDS, _SHARE_OF_AGE * age):
        return False
    waited = before.held_up and before.held_up.until
    return now.done != before.done or reason != earlier or bool(reason and waited and waited <= now.at)
