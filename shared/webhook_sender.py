"""The HTTP client of webhook deliveries: one POST to a URL that a caller chose, and so may be hostile.

Rule of this file: the name is resolved here, every address it has is checked, and the connection goes to a checked
address, never to the name again; redirects and proxies are not followed, and of the answer only the status is read.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import cached_property
from ipaddress import ip_address

import httpx

from shared.domain.webhooks.address import is_allowed
from shared.domain.webhooks.delivery import Answered, NoAnswer, WebhookRequest

_HEADERS = {"content-type": "application/json", "user-agent": "durable-batch", "connection": "close"}

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of `host`, in the order the system prefers. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class HttpWebhookSender:
    """`WebhookSender`. Opens a connection for every request: receivers are many, and each is called seldom."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        allow_private: bool,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._allow_private = allow_private
        self._resolve = resolve
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once, for it costs milliseconds; late, for most processes send nothing."""
        return self._given_tls or httpx.create_ssl_context()

    async def send(self, request: WebhookRequest) -> Answered | NoAnswer:
        """POST once; connecting to all addresses of the host and reading the status share one time limit."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._send(request)
        except TimeoutError:
            return NoAnswer(f"No answer came within {self._timeout_seconds:g} seconds.")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return NoAnswer(_explain(error))

    async def _send(self, request: WebhookRequest) -> Answered | NoAnswer:
        url = httpx.URL(request.url)
        host = url.raw_host.decode("ascii")  # `url.host` is decoded Punycode, which resolvers encode differently.
        addresses = await self._resolve(host, url.port or (443 if url.scheme == "https" else 80))
        if not addresses or not all(_may_connect(address, self._allow_private) for address in addresses):
            return NoAnswer("The host has an address that deliveries may not go to.")
        async with _client(self._tls, self._timeout_seconds / len(addresses)) as client:
            for address in addresses[:-1]:
                try:
                    return await _post(client, request, url, address)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
            return await _post(client, request, url, addresses[-1])


def _client(tls: ssl.SSLContext, connect_seconds: float) -> httpx.AsyncClient:
    """Without the environment's proxies and passwords. The time limit of the whole is `send`'s."""
    timeout = httpx.Timeout(None, connect=connect_seconds)
    return httpx.AsyncClient(verify=tls, trust_env=False, timeout=timeout, headers=_HEADERS)


def _may_connect(address: str, allow_private: bool) -> bool:
    try:
        return is_allowed(str(ip_address(address.partition("%")[0])), allow_private=allow_private)
    except ValueError:
        return False


async def _post(client: httpx.AsyncClient, request: WebhookRequest, url: httpx.URL, address: str) -> Answered:
    """To `address`, with the name in `Host` and, for TLS, as the name the certificate must have."""
    async with client.stream(
        "POST",
        url.copy_with(host=address),
        content=request.body,
        headers={**request.headers, "host": url.netloc.decode("ascii")},
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
        follow_redirects=False,
    ) as response:
        return Answered(response.status_code)


def _explain(error: Exception) -> str:
    """Without the exception's own text, which may name addresses inside a network."""
    match error:
        case socket.gaierror():
            return "The host name could not be resolved."
        case httpx.ConnectError() if "CERTIFICATE" in str(error).upper() or "SSL" in str(error).upper():
            return "The TLS handshake failed, or the certificate was not accepted."
        case httpx.ConnectError():
            return "The connection was refused."
        case httpx.ConnectTimeout():
            return "The connection was not taken in time."
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return "The URL cannot be used."
        case _:
            return "The connection broke before an answer came."
