"""The HTTP client of deliveries, on real sockets of this machine."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.domain.webhooks.delivery import Answered, NoAnswer, WebhookRequest
from shared.webhook_sender import HttpWebhookSender
from tests.starved import stretched

UNUSED_TLS = httpx.create_ssl_context()  # Costs too much to be made for every sender.
BODY = b'{"id":"evt_1"}'
FORBIDDEN = NoAnswer("The host has an address that deliveries may not go to.")


@dataclass
class Receiver:
    """A server that says `answer` to whatever it is sent and notes it."""

    answer: bytes
    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    calls: list[asyncio.Task[None]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls.append(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heard.append(head + await reader.readexactly(len(BODY)))
            writer.write(self.answer)
            await writer.drain()
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@asynccontextmanager
async def receiving(
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
        await asyncio.gather(*receiver.calls)


def resolving(*addresses: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """A name service that knows one answer."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


async def send(url: str, *, allow_private: bool = True, timeout_seconds: float = 5.0, **options) -> Answered | NoAnswer:
    given = {"tls": UNUSED_TLS, **options}
    sender = HttpWebhookSender(timeout_seconds=timeout_seconds, allow_private=allow_private, **given)
    return await sender.send(WebhookRequest(url=url, headers={"webhook-id": "wh_1"}, body=BODY))


async def test_a_request_as_it_arrives() -> None:
    """Path and query, the name in `Host`, JSON, the given headers, the body byte for byte."""
    async with receiving() as receiver:
        url = f"http://hooks.example:{receiver.port}/a/b?token=c"
        answer = await send(url, resolve=resolving("127.0.0.1"))

    head, _, body = receiver.heard[0].partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert (answer, body, lines[0]) == (Answered(204), BODY, "post /a/b?token=c http/1.1")
    assert {f"host: hooks.example:{receiver.port}", "content-type: application/json", "webhook-id: wh_1"} <= {*lines}


@pytest.mark.parametrize("status", [200, 302, 404, 500])
async def test_the_status_is_the_answer(status: int) -> None:
    """Whatever it is; a redirect is not followed."""
    moved = f"HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    async with receiving(moved) as receiver:
        answer = await send(f"http://127.0.0.1:{receiver.port}/")

    assert (answer, len(receiver.heard)) == (Answered(status), 1)


async def test_an_endless_answer_is_not_read() -> None:
    """The status is enough; the connection is closed."""
    async with receiving(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000) as receiver:
        assert await send(f"http://127.0.0.1:{receiver.port}/") == Answered(200)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:127.0.0.1", "nonsense"]
)
async def test_forbidden_addresses_are_not_called(address: str) -> None:
    """Whatever name they hide behind."""
    async with receiving() as receiver:
        url = f"http://innocent.example:{receiver.port}/"
        answer = await send(url, allow_private=False, resolve=resolving(address))

    assert (answer, receiver.heard) == (FORBIDDEN, [])


async def test_one_forbidden_address_forbids_the_name() -> None:
    """A name with a public and a private address is refused before anything is connected."""
    answer = await send("https://x.example/", allow_private=False, resolve=resolving("8.8.8.8", "10.0.0.1"))

    assert answer == FORBIDDEN


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "017700000001", "localhost"])
async def test_other_spellings_of_loopback_are_seen_through(host: str) -> None:
    """The system resolves them, and what it resolves them to is checked."""
    async with receiving() as receiver:
        await send(f"http://{host}:{receiver.port}/", allow_private=False)

    assert receiver.heard == []


async def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the checked address: a name service cannot answer differently the second time."""
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    names = []
    original = asyncio.get_running_loop().getaddrinfo

    async def watched(host, *args, **kwargs):
        names.append(host)
        return await original(host, *args, **kwargs)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", watched)
    async with receiving() as receiver:
        answer = await send(f"http://rebind.example:{receiver.port}/", resolve=rebinding)

    assert (answer, asked) == (Answered(204), ["rebind.example"])
    assert not [name for name in names if name not in ("127.0.0.1", b"127.0.0.1")]


async def test_international_names_are_resolved_as_written() -> None:
    """In Punycode, which is also what `Host` says."""
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with receiving() as receiver:
        await send(f"http://xn--fa-hia.example:{receiver.port}/", resolve=resolve)

    assert asked == ["xn--fa-hia.example"]
    assert f"host: xn--fa-hia.example:{receiver.port}".encode() in receiver.heard[0].lower()


async def test_the_next_address_is_tried() -> None:
    """When nobody listens at the first."""
    async with receiving() as receiver:
        url = f"http://two.example:{receiver.port}/"

        assert await send(url, resolve=resolving("127.0.0.2", "127.0.0.1")) == Answered(204)


async def test_nobody_listens() -> None:
    """The reason names no address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert await send(f"http://127.0.0.1:{port}/") == NoAnswer("The connection was refused.")


async def test_a_name_that_does_not_exist() -> None:
    """`.invalid` never does."""
    assert await send("http://nowhere.invalid/") == NoAnswer("The host name could not be resolved.")


async def test_a_slow_receiver_is_cut_off() -> None:
    """The time limit holds for the whole attempt."""
    since = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as listener:  # Connections are taken, by the system, and never read.
        port = listener.getsockname()[1]
        answer = await send(f"http://127.0.0.1:{port}/", timeout_seconds=0.3)

    assert answer == NoAnswer("No answer came within 0.3 seconds.")
    assert time.monotonic() - since < stretched(3)


@pytest.mark.parametrize("garbage", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200"])
async def test_what_is_not_http_is_no_answer(garbage: bytes) -> None:
    """Never an exception."""
    async with receiving(garbage) as receiver:
        answer = await send(f"http://127.0.0.1:{receiver.port}/")

    assert answer == NoAnswer("The connection broke before an answer came.")


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name itself, past every check."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with receiving() as receiver:
        assert await send(f"http://127.0.0.1:{receiver.port}/") == Answered(204)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of its own authority, for hooks.example, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "hooks.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("host", "trusted", "works"), [("hooks", True, True), ("other", True, False), ("hooks", False, False)]
)
async def test_the_certificate_must_be_the_names(certificate: Path, host: str, trusted: bool, works: bool) -> None:
    """The connection goes to an address, the certificate is checked against the name in the URL."""
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate)
    tls = ssl.create_default_context(cafile=certificate) if trusted else None
    async with receiving(tls=served) as receiver:
        url = f"https://{host}.example:{receiver.port}/"
        answer = await send(url, resolve=resolving("127.0.0.1"), tls=tls)

    refused = NoAnswer("The TLS handshake failed, or the certificate was not accepted.")
    assert answer == (Answered(204) if works else refused)
