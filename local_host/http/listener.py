"""A bound socket and the uvicorn server on it, within walls, from start to a bounded graceful stop.

It leaves signals to its owner. Forwarded-for headers are not believed: the client RPC tells loopback by the peer.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp

from local_host.http.shared_bodies import SharedBodies
from local_host.http.walls import Walls, walled, watch


class CannotListen(Exception):
    """The address cannot be had; the message says which and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(f"Port {port} is in use on {host}: choose another with --port, or 0 for any.") from error
        if error.errno == errno.EACCES:
            raise CannotListen(f"Port {port} needs more rights: choose one above 1023 with --port.") from error
        raise CannotListen(
            f"Cannot listen on {host} port {port}: {error.strerror}; check --host and --port."
        ) from error
    # `create_server` leaves the protocol open (0), and asyncio sets TCP_NODELAY on sockets only that say they are TCP.
    return socket.socket(bound.family, bound.type, socket.IPPROTO_TCP, fileno=bound.detach())


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Listener:
    """One ASGI app on one socket."""

    def __init__(self, app: ASGIApp, bound: socket.socket, *, grace_seconds: int, walls: Walls | None = None) -> None:
        self._socket = bound
        self._walls = walls or Walls()
        # Keep-alive outlives the pools of common clients (httpx 5 s, proxies 60 s), so they close first.
        self._server = _Server(
            uvicorn.Config(
                SharedBodies(app, places=self._walls.bodies, wait_seconds=self._walls.still_seconds),
                http=walled(self._walls),
                log_config=None,
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=grace_seconds,
            )
        )
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        host, port = bound.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await self._server.ready.wait()
        self._watch = asyncio.create_task(watch(self._server.server_state.connections, self._walls))

    async def stop(self) -> None:
        """Take no more connections, let running requests finish within the grace, then cut them."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
