"""How running batches are getting on, as lines for a person.

It reads batches and chunk rows, and says a line for a batch when its status changed, or every few seconds while its
counts move, and one line when it ends, also for a batch that came and went between two looks. It changes nothing and
holds nothing but what it last said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.domain.batches.batch import Batch, with_progress
from shared.domain.keys.project import DEFAULT_PROJECT
from shared.ports.stores import Stores

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_SAY_SECONDS = 3.0
_RECENT = 20  # Newest batches of a project that a look considers.
_MOST_PROJECTS = 50  # Newest projects; of others' batches those are missed that come and go between two looks.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    batch: Batch
    at: datetime


class Progress:
    """`say` gets each line; `now` gives aware UTC times."""

    def __init__(self, stores: Stores, *, say: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._batches, self._chunks, self._projects = stores.batches, stores.chunks, stores.projects
        self._say = say
        self._now = now
        self._began = now()
        self._said: dict[str, _Said] = {}
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
        running = [batch async for batch in self._batches.unfinished()]
        for batch in running:
            self._tell(with_progress(batch, await self._chunks.list(batch.id)))
        for batch_id in self._said.keys() - {batch.id for batch in running}:
            stored = await self._batches.get(self._said.pop(batch_id).batch.owner, batch_id)
            if stored is not None:
                self._tell_end(stored.value)
        recent = await self._recent()
        self._ended &= {batch.id for batch in recent}
        for batch in recent:
            if batch.is_terminal and batch.created_at >= self._began:
                self._tell_end(batch)

    async def _recent(self) -> list[Batch]:
        """Of each project, the oldest first."""
        projects = {DEFAULT_PROJECT, *(project.id for project in await self._projects.list(limit=_MOST_PROJECTS))}
        found = [batch for project_id in projects for batch in await self._batches.list(project_id, limit=_RECENT)]
        return sorted(found, key=lambda batch: batch.id)

    def _tell_end(self, batch: Batch) -> None:
        if batch.id not in self._ended:
            self._ended.add(batch.id)
            self._say(_ending(batch))

    def _tell(self, batch: Batch) -> None:
        said = self._said.get(batch.id)
        now = self._now()
        if said is not None and said.batch.status is batch.status:
            waited = (now - said.at).total_seconds()
            if waited < _SAY_SECONDS or _done(said.batch) == _done(batch):
                return
        self._said[batch.id] = _Said(batch=batch, at=now)
        self._say(_line(batch, said, now))


def _done(batch: Batch) -> int:
    return batch.completed + batch.failed


def _short(batch: Batch) -> str:
    return f"batch …{batch.id[-8:]}"  # The end of an id is its random part, the beginning is the time.


def _line(batch: Batch, said: _Said | None, now: datetime) -> str:
    line = f"{_short(batch)}  {batch.status}"
    if not batch.total:
        return line
    line += f"  {_done(batch):,}/{batch.total:,}"
    if batch.failed:
        line += f"  {batch.failed:,} failed"
    seconds = (now - said.at).total_seconds() if said else 0.0
    if said and seconds > 0 and _done(batch) > _done(said.batch):
        line += f"  {(_done(batch) - _done(said.batch)) / seconds:,.1f}/s"
    return line


def _ending(batch: Batch) -> str:
    ended_at: datetime = getattr(batch, f"{batch.status}_at")
    line = f"{_short(batch)}  {batch.status} after {(ended_at - batch.created_at).total_seconds():,.1f} s"
    if batch.total:
        line += f": {batch.completed:,} of {batch.total:,} requests completed, {batch.failed:,} failed"
    if batch.errors:
        line += f": {batch.errors[0].code}"  # Not the message: it may quote the file.
    return line
