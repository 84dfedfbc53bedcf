"""The HTTP client of the hot path: one call of an upstream, bytes in and bytes out (docs/adr/0003).

Rule of this file: whatever the network or the upstream does is an answer, never an exception; what an answer means is
`domain.upstream.classify`'s business. How many calls run side by side is the callers' business, so nothing queues here.
"""

from __future__ import annotations

import asyncio
import os
import urllib.request
from collections.abc import Callable, Mapping
from functools import lru_cache
from io import BytesIO
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential

from shared.domain.upstream import FailureKind, UpstreamAnswer, UpstreamFailure, UpstreamRequest, UpstreamResponse
from shared.upstream_identity import Identity, NoToken, default_credential

# Common servers drop a connection idle for 5 seconds; dropping it first avoids writing into one about to close.
_KEEP_ALIVE_SECONDS = 4.0
_DNS_SECONDS = 60
# From here on aiohttp wants a stream, so that writing the body leaves the event loop to others in between.
_LARGE_BYTES = 1 << 20

# The first match wins.
_EXPLANATIONS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "The upstream took no connection in time."),
    (aiohttp.ClientConnectorDNSError, "The upstream's host name could not be resolved."),
    (aiohttp.ClientSSLError, "The upstream's TLS certificate or handshake was not accepted."),
    (aiohttp.ClientProxyConnectionError, "The HTTP proxy in front of the upstream took no connection."),
    (aiohttp.ClientHttpProxyError, "The HTTP proxy in front of the upstream refused the connection."),
    (aiohttp.ClientConnectorError, "Connecting to the upstream failed: {reason}."),
    (aiohttp.ClientPayloadError, "The upstream's answer broke off or could not be decompressed."),
    (aiohttp.ClientResponseError, "The upstream answered with something that is not HTTP."),
    (aiohttp.InvalidURL, "The deployment's base_url is not a valid URL."),
    (aiohttp.ClientConnectionError, "The upstream closed the connection before it answered."),
)


class UpstreamClient:
    """One session per event loop, opened by the first call on it: keep-alive, no cookies, no redirects, no limits."""

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

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send once, without retries; total time is bounded by `request.timeout_seconds`, connecting by 10 s."""
        line = self._line()
        try:
            headers = request.headers
            if request.identity:
                headers = {**headers, "Authorization": f"Bearer {await line.identity.token()}"}
            return await self._post(line.session, request, headers)
        except NoToken as error:
            detail = f"This service got no token of its managed identity ({error})."
            return UpstreamFailure(kind=FailureKind.IDENTITY, detail=detail)
        except aiohttp.ConnectionTimeoutError as error:
            return UpstreamFailure(kind=FailureKind.CONNECTION, detail=_explain(error))
        except TimeoutError:
            detail = f"It was given {request.timeout_seconds:g} seconds."
            return UpstreamFailure(kind=FailureKind.TIMEOUT, detail=detail)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return UpstreamFailure(kind=FailureKind.CONNECTION, detail=_explain(error))

    async def _post(
        self, session: aiohttp.ClientSession, request: UpstreamRequest, headers: Mapping[str, str]
    ) -> UpstreamAnswer:
        async with session.post(
            request.url,
            data=request.body if len(request.body) < _LARGE_BYTES else BytesIO(request.body),
            headers=headers,
            timeout=_timeout(request.timeout_seconds, self._connect_seconds),
            allow_redirects=False,
            proxy=_proxy(request.url),
        ) as response:
            body = await self._read(response)
            if body is None:
                detail = f"The upstream's answer was dropped: it is larger than {self._max_response_bytes} bytes."
                return UpstreamFailure(kind=FailureKind.TOO_LARGE, detail=detail)
            answered = {name.lower(): value for name, value in response.headers.items()}
            return UpstreamResponse(status=response.status, headers=answered, body=body)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes | None:
        """The body, decompressed; None as soon as it outgrows the limit."""
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self._max_response_bytes:
                return None
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _line(self) -> _Line:
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines[loop] = _Line(self._credential)
        return line

    async def close(self) -> None:
        """Close what was opened on the running event loop."""
        line = self._lines.pop(asyncio.get_running_loop(), None)
        if line is not None:
            await line.close()


class _Line:
    """What belongs to one event loop."""

    def __init__(self, credential: Callable[[], AsyncTokenCredential]) -> None:
        self.identity = Identity(credential)
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=_DNS_SECONDS, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "gzip"},  # what every installation can undo
        )

    async def close(self) -> None:
        await self.session.close()
        await self.identity.close()


@lru_cache(maxsize=64)
def _timeout(seconds: float, connect_seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, connect=connect_seconds)


@lru_cache(maxsize=256)
def _proxy(url: str) -> str | None:
    """The environment's proxy for `url`. aiohttp's own `trust_env` reads it, and ~/.netrc, again for every call."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _explain(error: Exception) -> str:
    """A sentence without the upstream's address, which is the operator's business."""
    text = next((text for kind, text in _EXPLANATIONS if isinstance(error, kind)), "The call of the upstream failed.")
    number = error.errno if isinstance(error, OSError) else None
    return text.format(reason=os.strerror(number) if number else "no address of it answered")
