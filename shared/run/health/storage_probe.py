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

    async def ask(self, write: Callable[[], Awaitable[None]], good_for_seconds: float) -> None:
        """Raises Unavailable, or what else `write` raises."""
        async with self._writing:
            if time.monotonic() >= self._until:
                self._error = None
                try:
                    await write()
                except Unavailable as error:
                    self._error = error
                self._until = time.monotonic() + good_for_seconds
        if self._error is not None:
            raise self._error.with_traceback(None)


_probes: WeakKeyDictionary[object, _Probe] = WeakKeyDictionary()


async def write_blob(service: Services, good_for_seconds: float = PROBE_SECONDS) -> None:
    """Write, unless the last outcome still holds; a new one is good for so long. Raises Unavailable, StorageFull."""
    text = service.now().isoformat().encode()
    probe = _probes.setdefault(service.stores.blobs, _Probe())
    await probe.ask(lambda: service.stores.blobs.put(BLOB, text), good_for_seconds)


async def write_row(service: Services, good_for_seconds: float = PROBE_SECONDS) -> None:
    """The same with a row."""
    beat = Heartbeat(deployment=_ROW, batch_id=_NO_BATCH, lane=0, at=service.now())
    probe = _probes.setdefault(service.stores.batches, _Probe())
    await probe.ask(lambda: service.stores.heartbeats.beat(beat), good_for_seconds)


async def is_full(service: Services, good_for_seconds: float = PROBE_SECONDS) -> bool:
    """Whether storage takes no more; False as well where it cannot be asked."""
    writes = (write_blob(service, good_for_seconds), write_row(service, good_for_seconds))
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    return any(isinstance(outcome, StorageFull) for outcome in outcomes)
