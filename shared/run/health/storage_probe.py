"""Whether storage takes writes: one small blob and one small row, written over each time.

Rule: however often it is asked, a process writes each at most once every `PROBE_SECONDS`; others get the same answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from shared.domain.errors import StorageFull, Unavailable
from shared.domain.pace.heartbeat import Heartbeat
from shared.services import Services

PROBE_SECONDS = 3.0
BLOB = "readiness"
_ROW = "$readiness"  # In the place of a deployment.
_NO_BATCH = "0" * 32


class _Probe:
    """The last outcome of one kind of write."""

    def __init__(self) -> None:
        self._writing = asyncio.Lock()
        self._until = 0.0
        self._error: Unavailable | None = None

    async def ask(self, write: Callable[[], Awaitable[None]]) -> None:
        """Raises Unavailable, or what else `write` raises."""
        async with self._writing:
            if time.monotonic() >= self._until:
                self._error = None
                try:
                    await write()
                except Unavailable as error:
                    self._error = error
                self._until = time.monotonic() + PROBE_SECONDS
        if self._error is not None:
            raise self._error.with_traceback(None)


_probes: WeakKeyDictionary[object, _Probe] = WeakKeyDictionary()


async def write_blob(service: Services) -> None:
    """Raises Unavailable, StorageFull."""
    text = service.now().isoformat().encode()
    await _probes.setdefault(service.stores.blobs, _Probe()).ask(lambda: service.stores.blobs.put(BLOB, text))


async def write_row(service: Services) -> None:
    """Raises Unavailable, StorageFull."""
    beat = Heartbeat(deployment=_ROW, batch_id=_NO_BATCH, lane=0, at=service.now())
    await _probes.setdefault(service.stores.heartbeats, _Probe()).ask(lambda: service.stores.heartbeats.beat(beat))


async def is_full(service: Services) -> bool:
    """Whether storage takes no more; False as well where it cannot be asked."""
    outcomes = await asyncio.gather(write_blob(service), write_row(service), return_exceptions=True)
    return any(isinstance(outcome, StorageFull) for outcome in outcomes)
