"""The HTTP client of the hot path: one call of an upstream, bytes in and bytes out (docs/adr/0003).

Rule of this file: whatever the network or the upstream does is an answer, never an exception; what an answer means is
`outcome.classify`'s business. How many calls run side by side is the callers' business, so nothing queues here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
from azure.core.credentials_async import AsyncTokenCredential
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BodyDecodeError,
    DecodeError,
    DetailedPyreqwestError,
    PyreqwestError,
    RequestTimeoutError,
)
from pyreqwest.response import Response

from shared.answer_room import Share
from shared.domain.upstream.upstream import (
    FailureKind,
    UpstreamAnswer,
    UpstreamFailure,
    UpstreamRequest,
    UpstreamResponse,
)
from shared.domain.upstream.upstream_url import redirected
from shared.upstream.identity import Identity, NoToken, default_credential

# Common servers drop a connection idle for 5 seconds; dropping it first avoids writing into one about to close.
_KEEP_ALIVE: Final = timedelta(seconds=4)
_SMALL_BYTES: Final = 65_536  # Answers up to here are read without asking for room.
_MOVED: Final = (307, 308)  # The only redirects that keep method and body.
_MOST_REDIRECTS: Final = 3
_CONNECTING: Final = "client error (Connect)"
_TOO_MANY_HEADERS: Final = (  # hyper's limits; pyreqwest has no setting for them
    "The upstream answered with more headers than this service can read: at most 100, of some 400 kB together. The "
    "answer is lost, and another attempt would be, too. Ask the operator of this service to have the gateway in front "
    "of the upstream send fewer headers."
)
_UNEXPLAINED: Final = "The call of the upstream failed."
_HEAD_TOO_LARGE: Final = "message head is too large"
_OS_ERROR: Final = re.compile(r" \(os error \d+\)$")


class UpstreamClient:
    """One pool of connections per event loop, opened by the first call on it: no cookies, no limit of calls.

    No answer is larger than `max_response_bytes`; how many large ones are held, the callers' shares bound.
    """

    def __init__(
        self,
        *,
        max_response_bytes: int,
        connect_seconds: float = 10.0,
        credential: Callable[[], AsyncTokenCredential] = default_credential,
    ) -> None:
        self._max_response_bytes = max_response_bytes
        self._connect_seconds = connect_seconds
        self._credential = credential
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()

    async def send(self, request: UpstreamRequest, share: Share | None = None) -> UpstreamAnswer:
        """Send once, without retries; total time is bounded by `request.timeout_seconds`, connecting by 10 s.

        A redirect within the upstream's own origin that keeps method and body is followed.
        """
        try:
            line = self._line()
            headers = request.headers
            if request.identity:
                headers = {**headers, "Authorization": f"Bearer {await line.identity.token()}"}
            call = _Call(line.client, headers, asyncio.get_running_loop().time() + request.timeout_seconds, share)
            answer = await self._ask(call, request)
            moved = isinstance(answer, UpstreamResponse) and answer.status in _MOVED
            return await self._follow(call, request, answer) if moved else answer
        except NoToken as error:
            detail = f"This service got no token of its managed identity ({error})."
            return UpstreamFailure(kind=FailureKind.IDENTITY, detail=detail)
        except (RequestTimeoutError, TimeoutError) as error:
            if _CONNECTING in _causes(error):
                return UpstreamFailure(kind=FailureKind.UNREACHABLE, detail="The upstream took no connection in time.")
            detail = f"It was given {request.timeout_seconds:g} seconds."
            return UpstreamFailure(kind=FailureKind.TIMEOUT, detail=detail)
        except (PyreqwestError, OSError, ValueError) as error:
            return UpstreamFailure(kind=_kind(error), detail=_explain(error))

    async def _follow(self, call: _Call, request: UpstreamRequest, answer: UpstreamAnswer) -> UpstreamAnswer:
        """The answer at the end of a few redirects, or the one that leads elsewhere."""
        for _ in range(_MOST_REDIRECTS):
            if not isinstance(answer, UpstreamResponse) or answer.status not in _MOVED:
                break
            url = redirected(request.url, answer.headers.get("location", ""))
            if url is None:
                break
            left = max(0.001, call.deadline - asyncio.get_running_loop().time())
            request = msgspec.structs.replace(request, url=url, timeout_seconds=left)
            answer = await self._ask(call, request)
        return answer

    async def _ask(self, call: _Call, request: UpstreamRequest) -> UpstreamAnswer:
        asked = call.client.request(request.method, request.url).headers(call.headers)
        if request.body:
            asked = asked.body_bytes(request.body)
        async with asked.timeout(_duration(request.timeout_seconds)).build_streamed() as response:
            answered = _headers(response)
            body = await self._read(response, answered.get("content-length", ""), call)
            if body is None:
                detail = f"The upstream's answer was dropped: it is larger than {self._max_response_bytes} bytes."
                return UpstreamFailure(kind=FailureKind.TOO_LARGE, detail=detail)
            return UpstreamResponse(status=response.status, headers=answered, body=body)

    async def _read(self, response: Response, announced: str, call: _Call) -> bytes | None:
        """The body, decompressed; None if it outgrows the limit. A compressed one has no `announced` length."""
        length = int(announced) if announced.isdecimal() else None
        if length is not None and length <= _SMALL_BYTES:
            return bytes(await response.bytes())  # One hand-over between threads where pieces take several.
        if length is not None and length > self._max_response_bytes:
            return None
        body = bytearray()  # Pieces kept as they are would make the client's allocator keep as much again.
        while (piece := await response.body_reader.read_chunk()) is not None:
            size = len(body) + len(piece)
            if size > self._max_response_bytes:
                return None
            if size > _SMALL_BYTES and call.share is not None:
                await call.share.take(len(piece), call.deadline)
            body += piece
        return bytes(body)

    def _line(self) -> _Line:
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines[loop] = _Line(self._connect_seconds, self._credential)
        return line

    async def close(self) -> None:
        """Close what was opened on the running event loop."""
        line = self._lines.pop(asyncio.get_running_loop(), None)
        if line is not None:
            await line.close()


@dataclass(frozen=True, slots=True)
class _Call:
    """What stays the same over the redirects of one call. `deadline` is in the loop's time."""

    client: Client
    headers: Mapping[str, str]
    deadline: float
    share: Share | None


class _Line:
    """What belongs to one event loop."""

    def __init__(self, connect_seconds: float, credential: Callable[[], AsyncTokenCredential]) -> None:
        self.identity = Identity(credential)
        self.client = (
            ClientBuilder()
            .follow_redirects(False)
            .connect_timeout(timedelta(seconds=connect_seconds))
            .pool_idle_timeout(_KEEP_ALIVE)
            .build()
        )

    async def close(self) -> None:
        await self.client.close()
        await self.identity.close()


@lru_cache(maxsize=64)
def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _headers(response: Response) -> dict[str, str]:
    """By lower-case name. A value that is no text is left out: it must not cost a paid answer."""
    try:
        return dict(response.headers.items())
    except ValueError:
        names = set(response.headers.keys())
        return {name: value for name in names if (value := _text(response, name)) is not None}


def _text(response: Response, name: str) -> str | None:
    try:
        return response.get_header(name)
    except ValueError:
        return None


# What the chain of causes says -> what a person is told. The first match wins.
_EXPLANATIONS: Final = (
    ("tunnel error", "The HTTP proxy in front of the upstream could not be used."),
    ("dns error", "The upstream's host name could not be resolved."),
    ("certificate", "The upstream's TLS certificate was not accepted."),
    ("corrupt message", "The upstream does not speak TLS: its base_url may have to begin with http://."),
    (_CONNECTING, "Connecting to the upstream failed: {reason}."),
    ("error decoding response body", "The upstream's answer broke off or could not be decompressed."),
    ("connection closed", "The upstream closed the connection before it answered."),
)


def _kind(error: Exception) -> FailureKind:
    """By whether anything can have been sent: no connection came about, or no request could be made of what is set."""
    if _HEAD_TOO_LARGE in _causes(error):
        return FailureKind.HEAD_TOO_LARGE
    unsent = isinstance(error, ValueError) or _CONNECTING in _causes(error)
    return FailureKind.UNREACHABLE if unsent else FailureKind.CONNECTION


def _explain(error: Exception) -> str:
    """A sentence without the upstream's address, which is the operator's business."""
    if isinstance(error, ValueError):
        return "The deployment's base_url or key cannot be used in a request."
    if _HEAD_TOO_LARGE in _causes(error):
        return _TOO_MANY_HEADERS
    if isinstance(error, DecodeError) and not isinstance(error, BodyDecodeError):
        return "The upstream answered with something that is not HTTP."
    causes = _causes(error)
    text = next((text for sign, text in _EXPLANATIONS if any(sign in cause for cause in causes)), _UNEXPLAINED)
    return text.format(reason=_OS_ERROR.sub("", causes[-1]) if causes else "")


def _causes(error: Exception) -> list[str]:
    causes = error.details["causes"] if isinstance(error, DetailedPyreqwestError) else None
    return [cause["message"] for cause in causes or ()]
