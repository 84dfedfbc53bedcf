"""Tiny servers on loopback that do exactly one thing with every request, however rude."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from shared.domain.upstream.upstream import UpstreamRequest

Behave = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"ok": true}'


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(behave: Behave) -> AsyncIterator[str]:
    """A server that hands each request to `behave`; its address. Connections stay open until `behave` closes them."""
    open_connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_connections.add(task)
        try:
            while not writer.is_closing():
                await behave(await read_request(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            open_connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in open_connections:
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)


def saying(data: bytes, *, close: bool = False) -> Behave:
    """Write `data` as the answer, whatever was asked."""

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if close:
            writer.close()

    return behave


def post(url: str, *, seconds: float = 5.0, body: bytes = b"{}", identity: bool = False) -> UpstreamRequest:
    return UpstreamRequest(
        url=f"{url}/v1/chat/completions",
        headers={"Content-Type": "application/json"},
        body=body,
        timeout_seconds=seconds,
        identity=identity,
    )
