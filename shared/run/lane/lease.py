"""The lease of a lane: its heartbeat row, taken by compare-and-swap, kept by beating, let go with a last word.

It is held in the name of one call of an activity, from which others can tell whether that call has ended. A call of
this process has ended when it is not among those `holding`; one of another process of this machine when the process is
gone. Of another machine nothing is known: its leases run out. A wrong guess (two machines of one name) costs some
requests sent twice, never a line: rows and journals are safe against two activities at once.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec

from shared.domain.batches.hold_up import out_of_turn
from shared.domain.pace.heartbeat import Heartbeat
from shared.domain.pace.lane_decision import LastWord
from shared.ports.base import Changed
from shared.run.lane.post import Post
from shared.run.lane.sending import Sending
from shared.services import Services

log = logging.getLogger(__name__)

_held: set[str] = set()  # of this process


@contextmanager
def holding() -> Iterator[str]:
    """A new name, for as long as the block takes."""
    pid = os.getpid()
    holder = "/".join((socket.gethostname(), str(pid), _begin_of(pid), os.urandom(4).hex()))
    _held.add(holder)
    try:
        yield holder
    finally:
        _held.discard(holder)


def has_ended(holder: str) -> bool:
    """Whether the call is known to have ended; the empty name is nobody's."""
    if not holder:
        return True
    machine, pid, begin, _ = holder.rsplit("/", 3)
    if machine != socket.gethostname() or not begin:
        return False
    if int(pid) == os.getpid() and begin == _begin_of(os.getpid()):
        return holder not in _held
    return _begin_of(int(pid)) != begin


def _begin_of(pid: int) -> str:
    """When the process began, as the kernel tells it: numbers of processes are used again. Empty if it has ended.

    Empty as well where the kernel does not tell.
    """
    try:
        state, *others = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if state in "ZX" else others[18]


class Lease:
    """Of the lane at `post`: `take` it, `beat`, then `let_go`. What the row says of the upstream, `sending` knows."""

    def __init__(self, service: Services, post: Post, sending: Sending) -> None:
        self._service = service
        self._post = post
        self._sending = sending

    async def take(self) -> bool:
        """Make the lane this call's; False if another is at work on it."""
        version = None
        while True:
            try:
                await self._service.stores.heartbeats.claim(self.heartbeat(), version)
            except Changed:
                stored = await self._service.stores.heartbeats.get(
                    self._post.deployment.name, self._post.batch.id, self._post.lane
                )
            else:
                return True
            if stored is not None:
                self._sending.inherit(stored.value, self._service.now())
            if stored is not None and self._is_held(stored.value):
                log.info(
                    "A lane is already being worked on.",
                    extra={"action": "lane_taken", "batch_id": self._post.batch.id, "lane": self._post.lane},
                )
                return False
            version = stored.version if stored else None

    def _is_held(self, beat: Heartbeat) -> bool:
        stale = beat.is_stale(self._service.now(), self._service.settings.stale_seconds)
        return not stale and not has_ended(beat.holder)

    def heartbeat(self) -> Heartbeat:
        """As of now."""
        now, wall = time.monotonic(), self._service.now()
        return Heartbeat(
            deployment=self._post.deployment.name,
            batch_id=self._post.batch.id,
            lane=self._post.lane,
            at=wall,
            observed=self._sending.limits,
            reason=self._sending.slowed(now),
            sick=self._sending.waits_for_answer,
            holder=self._post.holder,
            claim=self._post.claim,
            targets=self._sending.beats(now, wall),
            slowing=self._sending.slowing,
            chance=self._sending.chance(now),
        )

    async def beat(self) -> None:
        await self._service.stores.heartbeats.beat(self.heartbeat())

    async def let_go(self, word: LastWord | None = None, *, keeps: bool = False) -> None:
        """The row goes, or says until when the lane sends nothing, and why; or `keeps` what it knows of targets."""
        if word is None and keeps:
            await self._service.stores.heartbeats.beat(msgspec.structs.replace(self.heartbeat(), holder=""))
            return
        if word is None:
            await self._service.stores.heartbeats.stop(self.heartbeat())
            return
        deployment = self._post.deployment
        reason = out_of_turn(deployment.name, deployment.max_concurrency) if word.queued else self._sending.reason
        if not word.queued:
            self._log_pause(word.pause_seconds, reason)
        await self._service.stores.heartbeats.beat(
            msgspec.structs.replace(
                self.heartbeat(),
                holder="",
                paused_until=self._service.now() + timedelta(seconds=word.seconds),
                reason=reason,
                asked=self._sending.asked,
                queued=word.queued,
            )
        )

    def _log_pause(self, seconds: float, reason: str | None) -> None:
        log.warning(
            "A lane pauses.",
            extra={
                "action": "lane_paused",
                "batch_id": self._post.batch.id,
                "model": self._post.deployment.name,
                "lane": self._post.lane,
                "seconds": round(seconds),
                "reason": reason,
            },
        )
