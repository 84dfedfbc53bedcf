import asyncio
import gzip
import socket
import zlib

import pytest

from shared.domain.upstream.upstream import FailureKind, UpstreamAnswer, UpstreamFailure, UpstreamResponse
from shared.upstream.client import UpstreamClient
from tests.upstream.servers import OK, Behave, post, saying, serving


@pytest.fixture
async def client():
    client = UpstreamClient(max_response_bytes=100_000)
    yield client
    await client.close()


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def ask(client: UpstreamClient, behave: Behave, **changes) -> UpstreamAnswer:
    async with serving(behave) as url:
        return await client.send(post(url, **changes))


def failed(result: UpstreamAnswer, kind: FailureKind) -> str:
    assert isinstance(result, UpstreamFailure)
    assert result.kind is kind
    return result.detail


async def test_bytes_out_and_bytes_in(client):
    """The body goes out byte for byte with its headers, and the answer comes back as status, headers and bytes."""
    seen = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(answer(b'{"a": 1.50}\n', "X-Request-Id: req_7"))

    result = await ask(client, behave, body=b'{"z":1.50, "a":"\xc3\xa9"}')

    assert result == UpstreamResponse(
        status=200,
        headers={"content-type": "application/json", "content-length": "12", "x-request-id": "req_7"},
        body=b'{"a": 1.50}\n',
    )
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert body == b'{"z":1.50, "a":"\xc3\xa9"}'
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head


async def test_large_body(client):
    """A body of many megabytes arrives whole."""
    lengths = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        lengths.append(len(request.partition(b"\r\n\r\n")[2]))
        writer.write(OK)

    result = await ask(client, behave, body=b"x" * 5_000_000)

    assert isinstance(result, UpstreamResponse)
    assert lengths == [5_000_000]


async def test_connection_is_kept(client):
    """Two calls, one after the other, share a connection."""
    peers = set()

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        peers.add(writer.get_extra_info("peername"))
        writer.write(OK)

    async with serving(behave) as url:
        for _ in range(3):
            await client.send(post(url))

    assert len(peers) == 1


async def test_nothing_queues(client):
    """Three hundred calls are with the upstream at the same time: the client sets no limit of its own."""
    inside, all_inside = 0, asyncio.Event()

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal inside
        inside += 1
        if inside == 300:
            all_inside.set()
        await all_inside.wait()
        writer.write(OK)

    async with serving(behave) as url:
        results = await asyncio.gather(*(client.send(post(url, seconds=20)) for _ in range(300)))

    assert all(isinstance(result, UpstreamResponse) for result in results)


async def test_stale_connection_is_replaced(client):
    """A kept connection that the server has closed meanwhile is not used for the next call."""
    async with serving(saying(OK, close=True)) as url:
        first = await client.send(post(url))
        await asyncio.sleep(0.05)
        second = await client.send(post(url))

    assert isinstance(first, UpstreamResponse)
    assert isinstance(second, UpstreamResponse)


async def test_gzip(client):
    """A compressed answer arrives decompressed."""
    result = await ask(client, saying(answer(gzip.compress(b'{"ok": true}'), "Content-Encoding: gzip")))

    assert isinstance(result, UpstreamResponse)
    assert result.body == b'{"ok": true}'


async def test_broken_gzip(client):
    """An answer that says it is compressed and is not is a failure, not an exception."""
    result = await ask(client, saying(answer(b'{"ok": true}', "Content-Encoding: gzip")))

    assert "decompressed" in failed(result, FailureKind.CONNECTION)


async def test_gzip_bomb(client):
    """The limit holds for what an answer is when decompressed."""
    bomb = zlib.compressobj(wbits=31)
    data = bomb.compress(b" " * 50_000_000) + bomb.flush()
    assert len(data) < 100_000

    failed(await ask(client, saying(answer(data, "Content-Encoding: gzip"))), FailureKind.TOO_LARGE)


async def test_chunked(client):
    """An answer in chunks is put together."""
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"ok":\r\n6\r\n true}\r\n0\r\n\r\n'
    result = await ask(client, saying(chunked))

    assert isinstance(result, UpstreamResponse)
    assert result.body == b'{"ok": true}'


async def test_header_that_is_no_text(client):
    """A header value outside ASCII costs that header and not the answer."""
    result = await ask(client, saying(answer(b"{}", "X-Name: caf\u00e9", "X-Request-Id: req_7")))

    assert isinstance(result, UpstreamResponse)
    assert result.headers["x-request-id"] == "req_7"
    assert "x-name" not in result.headers


async def test_html_is_an_answer(client):
    """An HTML page is handed over as it is; what it means is decided elsewhere."""
    page = b"<html>502</html>"
    result = await ask(client, saying(answer(page, status="502 Bad Gateway")))

    assert isinstance(result, UpstreamResponse)
    assert (result.status, result.body) == (502, page)


async def test_cookies_are_not_kept(client):
    """A cookie set by one answer is not sent with the next call."""
    requests = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(answer(b"{}", "Set-Cookie: a=b; Path=/"))

    async with serving(behave) as url:
        named = url.replace("127.0.0.1", "localhost")  # cookies of bare addresses are dropped anyway
        for _ in range(2):
            await client.send(post(named))

    assert len(requests) == 2
    assert b"cookie:" not in requests[1].lower()


async def test_half_an_answer(client):
    """An answer that breaks off before its Content-Length is a connection failure."""
    half = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choices": [{"te'

    assert "broke off" in failed(await ask(client, saying(half, close=True)), FailureKind.CONNECTION)


async def test_closed_without_a_word(client):
    """A connection closed before the answer is a connection failure."""
    assert "closed" in failed(await ask(client, saying(b"", close=True)), FailureKind.CONNECTION)


async def test_reset(client):
    """A connection reset before the answer is a connection failure."""

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    failed(await ask(client, behave), FailureKind.CONNECTION)


async def test_refused(client):
    """A port nobody listens on is a connection failure, which tells the reason and not the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = await client.send(post(f"http://127.0.0.1:{taken.getsockname()[1]}"))

    detail = failed(result, FailureKind.UNREACHABLE)
    assert "Connection refused" in detail
    assert "127.0.0.1" not in detail


async def test_name_that_does_not_exist(client):
    """A host name that does not resolve is a connection failure."""
    result = await client.send(post("http://upstream.invalid"))

    assert "resolved" in failed(result, FailureKind.UNREACHABLE)


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1", "http://[::1", "http://a b", "http://\u2102.\x00"])
async def test_url_that_is_none(client, url):
    """A base URL that is no http URL is a failure, not an exception."""
    failed(await client.send(post(url)), FailureKind.UNREACHABLE)


async def test_never_answers(client):
    """An upstream that never answers is given up when the request's time is over."""

    async def behave(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    started = asyncio.get_running_loop().time()
    assert "0.2 seconds" in failed(await ask(client, behave, seconds=0.2), FailureKind.TIMEOUT)
    assert asyncio.get_running_loop().time() - started < 2.0


async def test_trickles(client):
    """The time is for the whole answer: one byte now and then does not stretch it."""

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    failed(await ask(client, behave, seconds=0.3), FailureKind.TIMEOUT)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["announced", "unannounced"],
)
async def test_too_large(client, head):
    """An answer over the limit is dropped while it is being read, not after."""
    sent = 0

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(head)
        while sent < 10_000_000:
            writer.write(b" " * 50_000)
            await writer.drain()
            sent += 50_000
        writer.close()

    assert "100000 bytes" in failed(await ask(client, behave), FailureKind.TOO_LARGE)
    assert sent < 10_000_000


async def test_announced_too_large_is_not_read(client):
    """An answer that says it is over the limit is dropped at its head."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b" " * 70_000

    failed(await ask(client, saying(head), seconds=30), FailureKind.TOO_LARGE)


async def test_limit_is_inclusive(client):
    """An answer of exactly the limit is taken."""
    result = await ask(client, saying(answer(b" " * 100_000)))

    assert isinstance(result, UpstreamResponse)
    assert len(result.body) == 100_000


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["no-http", "status", "content-length", "chunk-size"],
)
async def test_bad_http(client, data):
    """Bytes that are not HTTP, or abuse it, are a failure, not an exception."""
    failed(await ask(client, saying(data, close=True)), FailureKind.CONNECTION)


@pytest.mark.parametrize(
    "headers", [b"X-Some: 1\r\n" * 101, b"X-Flood: 1\r\n" * 5000, b"X-Long: " + b"x" * 600_000 + b"\r\n"]
)
async def test_too_many_headers(client, headers):
    """More headers than can be read are told as what they are; another attempt would not help."""
    detail = failed(await ask(client, saying(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")), FailureKind.HEAD_TOO_LARGE)

    assert "at most 100" in detail


async def test_hundred_headers(client):
    """A hundred headers are read."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Some: 1\r\n" * 99 + b"\r\n{}"

    assert isinstance(await ask(client, saying(head)), UpstreamResponse)


async def test_cancelled_call_leaves_nothing_behind(client):
    """A call that is cancelled in mid-answer lets the next one work."""
    asked = asyncio.Event()

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        if not asked.is_set():
            asked.set()
            await asyncio.sleep(60)
        writer.write(OK)

    async with serving(behave) as url:
        call = asyncio.create_task(client.send(post(url)))
        await asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert isinstance(await client.send(post(url)), UpstreamResponse)


async def test_environment_proxy(client, monkeypatch):
    """HTTP_PROXY carries the call, except for the hosts of NO_PROXY."""
    requests = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request.split(b"\r\n")[0])
        writer.write(OK)

    async with serving(behave) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "direct.invalid")
        carried = await client.send(post("http://carried.invalid"))
        direct = await client.send(post("http://direct.invalid"))

    assert isinstance(carried, UpstreamResponse)
    assert requests == [b"POST http://carried.invalid/v1/chat/completions HTTP/1.1"]
    failed(direct, FailureKind.UNREACHABLE)


async def test_no_connection_in_time():
    """An upstream whose host drops connections fails as a connection, long before the request's own time is over."""
    client = UpstreamClient(max_response_bytes=1000, connect_seconds=0.2)
    with socket.socket() as deaf, socket.socket() as filler:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filler.connect(deaf.getsockname())  # the queue is full: no further connection is taken
        result = await client.send(post(f"http://127.0.0.1:{deaf.getsockname()[1]}", seconds=30))
    await client.close()

    assert "no connection" in failed(result, FailureKind.UNREACHABLE)


async def test_one_session_for_each_event_loop(client):
    """A client in use on one event loop works on another as well, and closing it there leaves the first alone."""

    async def elsewhere() -> UpstreamAnswer:
        try:
            return await ask(client, saying(OK))
        finally:
            await client.close()

    async with serving(saying(OK)) as url:
        results = [
            await client.send(post(url)),
            await asyncio.to_thread(asyncio.run, elsewhere()),
            await client.send(post(url)),
        ]

    assert [200, 200, 200] == [result.status for result in results if isinstance(result, UpstreamResponse)]
