"""Callers who were let in a moment ago, so that not every call reads its key again.

Rule of this file: what is kept is found by a digest of a key's text, never by the text. A revoked key works for
`LIFE` at most where nobody told this process; where it was revoked, `forget_all` ends it at once, also for whoever was
looking it up at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.keys.caller import Caller

LIFE: Final = timedelta(seconds=30)
MOST: Final = 10_000  # A few MB.


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    since: datetime
    until: datetime


class KnownCallers:
    """At most `most` of them; who came first goes first. `epoch` is how often all were forgotten."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[bytes, _Known] = {}
        self.epoch = 0

    def get(self, digest: bytes, now: datetime) -> Caller | None:
        """A clock that was set back makes nobody known for longer."""
        known = self._known.get(digest)
        return known.caller if known and known.since <= now < known.until else None

    def put(self, digest: bytes, caller: Caller, now: datetime, expires_at: datetime | None, epoch: int) -> None:
        """`epoch` is from before the look-up: what was read before all were forgotten is not kept."""
        if epoch != self.epoch:
            return
        self._known.pop(digest, None)
        while len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        until = now + LIFE
        self._known[digest] = _Known(caller, now, min(until, expires_at) if expires_at else until)

    def forget_all(self) -> None:
        """For whoever has changed a key, an account or a project: looking the others up again costs little."""
        self.epoch += 1
        self._known.clear()
