"""What bodies may hold in memory: answers leave by small pieces, and only so many large requests arrive at a time.

An ASGI app around another. It knows nothing of connections, and of requests only how large they say they are.
"""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PIECE_BYTES = 262_144
_SMALL_BYTES = 65_536  # What uvicorn holds anyway.
BUSY = (
    b'{"error": {"message": "This service has as many connections or uploads as it takes. Try again in some seconds.", '
    b'"type": "server_error", "param": null, "code": "too_many_connections"}}'
)


class SharedBodies:
    """`app`, of whose requests at most `places` have a large body at a time; one waits `wait_seconds` for a place."""

    def __init__(self, app: ASGIApp, *, places: int, wait_seconds: float) -> None:
        self._app = app
        self._places = asyncio.Semaphore(places)
        self._wait_seconds = wait_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _has_large_body(scope):
            await self._app(scope, receive, _by_pieces(send))
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._places.acquire()
        except TimeoutError:
            headers = {"retry-after": "2", "connection": "close"}
            await Response(BUSY, 503, headers, "application/json")(scope, receive, send)
            return
        try:
            await self._app(scope, receive, _by_pieces(send))
        finally:
            self._places.release()


def _has_large_body(scope: Scope) -> bool:
    """A body that is not small, or whose length was not announced."""
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or int(headers.get(b"content-length", b"0")) > _SMALL_BYTES


def _by_pieces(send: Send) -> Send:
    """`send`, for which the connection's buffer never holds more than a piece or two of a client that does not read."""

    async def send_pieces(message: Message) -> None:
        body = message.get("body", b"")
        if len(body) <= PIECE_BYTES:
            await send(message)
            return
        for start in range(0, len(body), PIECE_BYTES):
            end = start + PIECE_BYTES
            more = end < len(body) or message.get("more_body", False)
            await send({**message, "body": body[start:end], "more_body": more})

    return send_pieces
