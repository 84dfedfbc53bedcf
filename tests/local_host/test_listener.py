"""Connections over real sockets: none is held back, none holds much, and none stays for ever."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import psutil
import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from local_host.http.listener import Listener, bind
from local_host.http.walls import WalledConnection, Walls

MIB = 1024 * 1024
PIECE = b"x" * 4 * MIB
HEAD = b"GET /text HTTP/1.1\r\nhost: x\r\n"
# Long enough that a busy machine cuts nobody who moves, short enough to wait for.
SOON = Walls(head_seconds=1.0, still_seconds=1.0)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class App:
    """Reads the whole body, then answers: `/text` a word, `/large` 64 MiB in pieces of 4 MiB; counts who went away."""

    def __init__(self) -> None:
        self.gone = 0
        self.sent = 0
        self.slow = 0.0  # seconds, before it reads and before it answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0
        await asyncio.sleep(self.slow)
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone += 1
                return
            received += len(message["body"])
            if not message["more_body"]:
                break
        await asyncio.sleep(self.slow)
        pieces = [PIECE] * 16 if scope["path"] == "/large" else [b"%d" % received]
        length = sum(map(len, pieces))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % length)]})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
            self.sent += len(piece)


@asynccontextmanager
async def listening(app: App, walls: Walls = SOON) -> AsyncIterator[Listener]:
    listener = Listener(app, bind("127.0.0.1", 0), grace_seconds=1, walls=walls)
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop()


async def connected(listener: Listener, receive_bytes: int | None = None) -> Streams:
    """A client of its own; `receive_bytes` keeps the system from receiving for one that does not read."""
    host, port = listener.url.removeprefix("http://").split(":")
    client = socket.socket()
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, (host, int(port)))
    return await asyncio.open_connection(sock=client, limit=4096)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 30)


Connect = Callable[..., Awaitable[Streams]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`connected`, whose clients are closed in the end."""
    writers: list[asyncio.StreamWriter] = []

    async def call(listener: Listener, **options: int) -> Streams:
        streams = await connected(listener, **options)
        writers.append(streams[1])
        return streams

    yield call
    for writer in writers:
        await closed(writer)


async def until_cut(reader: asyncio.StreamReader, seconds: float = 8.0) -> tuple[bytes, float]:
    """What came before the end, and after how long it came."""
    began, said = time.monotonic(), b""
    async with asyncio.timeout(seconds):
        try:
            while piece := await reader.read(65536):
                said += piece
        except ConnectionError:
            pass
    return said, time.monotonic() - began


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_answers_are_not_held_back(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Accepted connections have TCP_NODELAY on every loop: a kept-alive call would else wait 40 ms for the client."""

    async def option() -> int:
        async with listening(App()) as listener:
            _, writer = await connected(listener)
            await asyncio.sleep(0.1)
            mine = writer.get_extra_info("sockname")
            (accepted,) = (each for each in accepted_sockets() if each.getpeername() == mine)
            found = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await closed(writer)
            return found

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert runner.run(option()) != 0


def accepted_sockets() -> Iterator[socket.socket]:
    """Of every connection that this process serves."""
    for each in gc.get_objects():
        if isinstance(each, WalledConnection) and each.transport and not each.transport.is_closing():
            yield each.transport.get_extra_info("socket")


@pytest.mark.parametrize(
    "sent", [b"", b"GE", HEAD, HEAD + b"\r\n" + HEAD], ids=["nothing", "two bytes", "half", "second"]
)
async def test_a_head_that_does_not_come_ends_the_connection(connect: Connect, sent: bytes) -> None:
    """Whatever was sent of it, at first or after an answer."""
    async with listening(App()) as listener:
        reader, writer = await connect(listener)
        writer.write(sent)
        said, seconds = await until_cut(reader)
        assert 0.8 < seconds < 4
        assert said.count(b"200 OK") == sent.count(HEAD + b"\r\n")


async def test_half_a_head_after_a_pause_ends_the_connection(connect: Connect) -> None:
    """The time of an idle connection ends with its first byte."""
    async with listening(App()) as listener:
        reader, writer = await connect(listener)
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"\r\n\r\n0")
        await asyncio.sleep(1.5)
        writer.write(b"GE")
        _, seconds = await until_cut(reader)
        assert 0.8 < seconds < 4


async def test_a_head_has_one_time_for_the_whole_of_it(connect: Connect) -> None:
    """Byte by byte it may not last for ever."""
    async with listening(App()) as listener:
        reader, writer = await connect(listener)
        writer.write(HEAD)

        async def drip() -> None:
            while True:
                writer.write(b"a: b\r\n")
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drip())
        _, seconds = await until_cut(reader)
        dripping.cancel()
        assert seconds < 4


async def test_a_client_that_thinks_between_calls_is_kept(connect: Connect) -> None:
    """An idle connection is the keep-alive time's business, not the walls'."""
    async with listening(App()) as listener, httpx.AsyncClient(base_url=listener.url, timeout=60) as client:
        for _ in range(2):
            assert (await client.get("/text")).text == "0"
            await asyncio.sleep(1.5)
        reader, writer = await connect(listener)
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n0")).startswith(b"HTTP/1.1 200 OK\r\n")
            await asyncio.sleep(1.5)


UPLOAD = b"POST /text HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"x" * 10, b"x" * 900_000])
async def test_an_upload_that_stands_still_is_dropped(connect: Connect, sent: bytes) -> None:
    """The app is told that its client is gone, so it lets go of what it holds."""
    app = App()
    async with listening(app) as listener:
        reader, writer = await connect(listener)
        writer.write(UPLOAD + sent)
        _, seconds = await until_cut(reader)
        assert 0.8 < seconds < 4
    assert app.gone == 1


async def test_an_upload_that_moves_lives(connect: Connect) -> None:
    """However slowly: a byte in time is enough."""
    async with listening(App()) as listener:
        reader, writer = await connect(listener)
        writer.write(UPLOAD.replace(b"1000000", b"30"))
        for _ in range(30):
            writer.write(b"x")
            await asyncio.sleep(0.1)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("sent", [HEAD + b"\r\n", UPLOAD + b"x" * 1_000_000], ids=["no body", "large body"])
async def test_a_slow_service_is_not_held_against_its_client(connect: Connect, sent: bytes) -> None:
    """A body that is not read and an answer that does not come are waited for."""
    app = App()
    app.slow = 2.5
    async with listening(app) as listener:
        reader, writer = await connect(listener)
        writer.write(sent)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_a_client_that_waits_for_leave_to_send_is_not_cut(connect: Connect) -> None:
    """`Expect: 100-continue` is answered when the app first reads."""
    app = App()
    app.slow = 2.5
    async with listening(app) as listener:
        reader, writer = await connect(listener)
        writer.write(UPLOAD.replace(b"1000000", b"3\r\nexpect: 100-continue"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"abc")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


DOWNLOAD = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"


async def test_an_answer_that_nobody_reads_is_dropped(connect: Connect) -> None:
    """The connection is cut, and hardly anything of it was held meanwhile."""
    async with listening(App()) as listener:
        clients = [await connect(listener, receive_bytes=4096) for _ in range(20)]
        before = psutil.Process().memory_info().rss
        for _, writer in clients:
            writer.write(DOWNLOAD)
        await asyncio.sleep(0.8)
        assert len(list(accepted_sockets())) == 20
        assert psutil.Process().memory_info().rss - before < 20 * MIB
        await asyncio.sleep(3)
        assert list(accepted_sockets()) == []


async def test_an_answer_that_is_read_slowly_lives(connect: Connect) -> None:
    """A client of some kilobytes a second moves, also where the system holds much for it."""
    walls = Walls(head_seconds=1.0, still_seconds=1.5)
    async with listening(App(), walls) as listener:
        reader, writer = await connect(listener, receive_bytes=4096)
        writer.write(DOWNLOAD)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            await reader.readexactly(2048)
            await asyncio.sleep(0.2)
        assert len(list(accepted_sockets())) == 1  # What the system holds is read after a cut, too.


async def test_connections_are_bounded(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Those beyond are answered 503 in JSON, far beyond they are cut; the log says it once; one that ends makes room."""
    async with listening(App(), Walls(connections=3)) as listener:
        first = [await connect(listener) for _ in range(3)]
        with caplog.at_level(logging.WARNING):
            async with httpx.AsyncClient(base_url=listener.url, timeout=60) as client:
                answers = [await client.get("/text") for _ in range(3)]
        assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "2")}
        assert answers[0].json()["error"]["code"] == "too_many_connections"
        assert [getattr(record, "action", None) for record in caplog.records] == ["connections_full"]
        more = [await connect(listener) for _ in range(4)]
        assert (await until_cut(more[-1][0]))[1] < 1
        for _, writer in [*first, *more]:
            writer.close()
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient(base_url=listener.url, timeout=60) as client:
            assert (await client.get("/text")).status_code == 200


async def test_large_bodies_wait_for_a_place(connect: Connect) -> None:
    """Beyond so many at a time they are not read, and are answered 503 after a while; small ones pass."""
    app = App()
    async with listening(app, Walls(still_seconds=1.0, bodies=1)) as listener:
        _, first = await connect(listener)
        first.write(UPLOAD)

        async def keep_moving() -> None:
            while True:
                first.write(b"x")
                await asyncio.sleep(0.2)

        moving = asyncio.create_task(keep_moving())
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient(base_url=listener.url, timeout=60) as client:
            assert (await client.post("/text", content=b"x" * 1000)).text == "1000"
            assert (await client.post("/text", content=b"x" * 100_000)).status_code == 503
            moving.cancel()
            first.close()
            await asyncio.sleep(0.2)
            assert (await client.post("/text", content=b"x" * 100_000)).text == "100000"


async def test_a_large_body_has_its_place_back_whatever_happens(connect: Connect) -> None:
    """Clients that go away in the middle take none with them."""
    async with listening(App(), Walls(bodies=1)) as listener:
        for _ in range(3):
            _, writer = await connect(listener)
            writer.write(UPLOAD + b"x" * 100_000)
            await writer.drain()
            writer.close()
        async with httpx.AsyncClient(base_url=listener.url, timeout=60) as client:
            assert (await client.post("/text", content=b"x" * 100_000)).text == "100000"
