"""What one connection may cost: an end to heads half sent, to bodies that stand still and to answers nobody reads.

Rule of this file: slow is not still. Whoever moves a byte in time lives; only a head has a time for the whole of it.
What the service itself takes long for is never held against a client.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import struct
import time
from dataclasses import dataclass
from enum import Enum, auto
from termios import TIOCOUTQ
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from local_host.http.shared_bodies import BUSY, PIECE_BYTES

log = logging.getLogger(__name__)

_REFUSED_SECONDS = 5.0
_SAY_AGAIN_SECONDS = 60.0
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 2\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BUSY), BUSY)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """Seconds for a whole head, and without a byte moved; connections, and large bodies at a time among them.

    Connections beyond are answered 503, and beyond twice as many cut. Bodies beyond wait for a place.
    """

    head_seconds: float = 30.0
    still_seconds: float = 60.0
    connections: int = 1000
    bodies: int = 100


class _Waits(Enum):
    """What of its client a connection waits for."""

    NOTHING = auto()
    HEAD = auto()
    MOVE = auto()


class WalledConnection(H11Protocol):
    """uvicorn's connection, which knows besides whether its client moves."""

    walls: Walls  # Both are of a subclass, for uvicorn makes the objects: see `walled`.
    sign: _FullSign

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = 0
        self._is_refused = False
        self._state: tuple[_Waits, int, int] = (_Waits.NOTHING, 0, 0)
        self._since = time.monotonic()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=PIECE_BYTES)
        self._is_refused = len(self.connections) > self.walls.connections
        if len(self.connections) > 2 * self.walls.connections:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._refuse()
            return
        self._received += len(data)
        super().data_received(data)

    def cut_if_still(self, now: float) -> None:
        """Called again and again, at `now` of the monotonic clock: ends a connection that has waited for too long."""
        state = self._look()
        if state != self._state:
            self._state, self._since = state, now
        if state[0] is not _Waits.NOTHING and now - self._since > self._patience(state[0]):
            log.info("A client stood still and was cut.", extra={"action": "connection_cut", "reason": state[0].name})
            self.transport.abort()

    def _patience(self, waits: _Waits) -> float:
        if self._is_refused:
            return _REFUSED_SECONDS
        return self.walls.head_seconds if waits is _Waits.HEAD else self.walls.still_seconds

    def _look(self) -> tuple[_Waits, int, int]:
        """What it waits for, and figures that change with every byte that moves; of a head, with every request."""
        if buffered := self.transport.get_write_buffer_size():
            return _Waits.MOVE, self._received, buffered + _unacknowledged(self.transport)
        if self.conn.their_state is h11.IDLE and (self.timeout_keep_alive_task is None or self.conn.trailing_data[0]):
            return _Waits.HEAD, id(self.cycle), 0
        if self.conn.their_state is h11.SEND_BODY and not self.flow.read_paused and not self._must_hold_back():
            return _Waits.MOVE, self._received, 0
        return _Waits.NOTHING, 0, 0

    def _must_hold_back(self) -> bool:
        """The client waits for `100 Continue`, which goes out when the body is first asked for."""
        return bool(self.cycle.waiting_for_100_continue)

    def _refuse(self) -> None:
        self.sign.show(self.walls.connections)
        self.transport.write(_REFUSAL)
        self.transport.close()


class _FullSign:
    """Says in the log that the host is full, once a minute at most."""

    def __init__(self) -> None:
        self._shown_at = float("-inf")

    def show(self, connections: int) -> None:
        if time.monotonic() - self._shown_at > _SAY_AGAIN_SECONDS:
            self._shown_at = time.monotonic()
            extra = {"action": "connections_full", "count": connections}
            log.warning("There are as many connections as the host takes; more are answered 503.", extra=extra)


def walled(walls: Walls) -> type[H11Protocol]:
    """The class of connections within `walls`."""
    return type("_WithinWalls", (WalledConnection,), {"walls": walls, "sign": _FullSign()})


async def watch(connections: set[Any], walls: Walls) -> None:
    """Look at every connection, for ever."""
    while True:
        await asyncio.sleep(min(1.0, walls.head_seconds / 4, walls.still_seconds / 4))
        now = time.monotonic()
        for connection in list(connections):
            connection.cut_if_still(now)


def _unacknowledged(transport: asyncio.Transport) -> int:
    """Bytes that the system still holds for the client: they tell that a slow one moves. 0 where it cannot be asked."""
    try:
        answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int(struct.unpack("i", answer)[0])
