"""The app's HTTP functions over real HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi import Request, Response

from local_host.app.function_index import HttpFunction, InvalidApp, index
from local_host.durable.replay import NotEmulated
from local_host.http.http_server import build_app, compile_routes
from local_host.http.listener import CannotListen, Listener, bind
from tests.local_host.sample_app.function_app import build

MIB = 1024 * 1024


@pytest.fixture
async def server() -> AsyncIterator[Listener]:
    routes = compile_routes(index(build()).http, "sample")
    listener = Listener(build_app(routes, "{}"), bind("127.0.0.1", 0), grace_seconds=1)
    await listener.start()
    yield listener
    await listener.stop()


@pytest.fixture
async def client(server: Listener) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{server.url}/sample/", timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("hello/Ada?x=1", {"name": "Ada", "query": {"x": "1"}}),
        ("HELLO/Ada/", {"name": "Ada", "query": {}}),
        ("hello/a%20b%2Fc", {"name": "a b/c", "query": {}}),
        ("files/special", {"which": "literal"}),
        ("files/7", {"which": "parameter", "id": "7"}),
        ("files/a/b%20c", {"which": "wildcard", "path": "a/b c"}),
        ("files", {"which": "wildcard", "path": ""}),
    ],
)
async def test_routes_prefer_literal_over_parameter_over_wildcard(client, path, expected) -> None:
    """The most specific template answers, with the template's parameters decoded."""
    assert (await client.get(path)).json() == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [("text", b'"plain"'), ("nothing", b"null"), ("numbers", b"[1,2]")],
)
async def test_plain_return_values_become_json(client, path, body) -> None:
    """str, None and list are serialised as JSON with status 200, as the streaming extension does."""
    response = await client.get(path)
    assert (response.status_code, response.headers["content-type"], response.content) == (200, "application/json", body)


async def test_a_response_object_is_sent_as_it_is(client) -> None:
    """Status and headers are the function's."""
    response = await client.post("created")
    assert (response.status_code, response.headers["x-made"], response.json()) == (201, "yes", {"made": True})


@pytest.mark.parametrize("path", ["absent", "hello", "hello/", "hello/a/b", "../text", "text//", "/text"])
async def test_a_path_without_a_route_answers_a_bare_404(client, path) -> None:
    """No template fits: as on the platform, nothing is said."""
    response = await client.get(f"{client.base_url}{path}")
    assert (response.status_code, response.content) == (404, b"")


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/?x=1", 200), ("/other", 404), ("/%2F", 404)])
async def test_the_root_has_a_route_of_its_own(path: str, status: int) -> None:
    """`{ignored:maxlength(0)?}` is the root and nothing else (platform 1.4)."""

    async def front(req: Request) -> Response:
        return Response(b"front")

    function = HttpFunction(
        name="front",
        methods=frozenset({"GET"}),
        route="{ignored:maxlength(0)?}",
        call=front,
        request_parameter="req",
        client_parameter=None,
    )
    transport = httpx.ASGITransport(app=build_app(compile_routes([function]), "{}"))
    async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
        assert (await client.get(path)).status_code == status


@pytest.mark.parametrize("method", ["DELETE", "TRACE", "FOO"])
async def test_another_method_answers_a_bare_404(client, method) -> None:
    """The template fits, the method does not: the platform knows no 405."""
    response = await client.request(method, "counts/1")
    assert (response.status_code, response.content) == (404, b"")


async def test_an_unhandled_exception_answers_500_and_is_logged(client, caplog) -> None:
    """The caller learns nothing of the error; the log has the traceback."""
    with caplog.at_level(logging.ERROR):
        response = await client.get("boom")
    assert (response.status_code, response.content) == (500, b"")
    assert "a secret detail" in caplog.text


async def test_uploads_stream_in_constant_memory(client) -> None:
    """50 MiB arrive whole while the process grows by less than 20 MiB."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(50 * 16):
            yield b"y" * 65536

    await client.post("upload", content=b"warm")
    before = psutil.Process().memory_info().rss
    response = await client.post("upload", content=body(), timeout=30)
    assert response.json() == {"bytes": 50 * MIB}
    assert psutil.Process().memory_info().rss - before < 20 * MIB


async def test_downloads_stream_in_constant_memory(client) -> None:
    """50 MiB leave whole while the process grows by less than 20 MiB."""
    await client.get("download/1")
    before, received, peak = psutil.Process().memory_info().rss, 0, 0
    async with client.stream("GET", f"download/{50 * 16}", timeout=30) as response:
        async for piece in response.aiter_raw():
            received += len(piece)
            peak = max(peak, psutil.Process().memory_info().rss)
    assert received == 50 * MIB
    assert peak - before < 20 * MIB


async def test_a_stalled_reader_holds_the_stream_back(server) -> None:
    """A client that does not read a 1 GiB download does not make the server produce it."""
    before = psutil.Process().memory_info().rss
    reader, writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"), limit=1024)
    writer.write(b"GET /sample/download/16384 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await asyncio.sleep(1.0)
    assert psutil.Process().memory_info().rss - before < 20 * MIB
    writer.transport.abort()


async def test_a_lost_upload_leaves_the_server_answering(server, client, caplog) -> None:
    """A connection cut in the middle of a body is no server error."""
    _, writer = await asyncio.open_connection(*server.url.removeprefix("http://").split(":"))
    writer.write(b"POST /sample/upload HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.2)
    assert (await client.get("text")).status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def begun(request: asyncio.Task[httpx.Response], waits: Path) -> asyncio.Task[httpx.Response]:
    """`request`, once the app works on it."""
    async with asyncio.timeout(60):
        while not waits.exists():
            await asyncio.sleep(0.01)
    return request


@pytest.fixture
def waits(tmp_path, monkeypatch) -> Path:
    """The file by which the app shows that it has begun to wait."""
    monkeypatch.setenv("WAITS", str(tmp_path / "waits"))
    return tmp_path / "waits"


async def test_stopping_lets_a_running_request_finish(server, client, waits) -> None:
    """A request within the grace is answered although the listener is told to stop."""
    request = await begun(asyncio.create_task(client.get("wait/0.5")), waits)
    await server.stop()
    assert (await request).json() == "waited"


async def test_stopping_cuts_a_request_past_the_grace(server, client, waits) -> None:
    """The stop is bounded whatever a function does."""
    request = await begun(asyncio.create_task(client.get("wait/60")), waits)
    async with asyncio.timeout(30):
        await server.stop()
    assert (await request).status_code == 500


@pytest.mark.parametrize("route", ["a/{id:int}", "a/{id?}", "a/x{id}", "a/{id}.json", "a/{}"])
def test_templates_that_are_not_emulated_are_refused_by_name(route) -> None:
    """Constraints, optional and mixed segments are the platform's only."""
    with pytest.raises(NotEmulated, match="function 'f'"):
        compile_routes([_function("f", route)])


def _function(name: str, route: str) -> HttpFunction:
    return HttpFunction(
        name=name, methods=frozenset({"GET"}), route=route, call=print, request_parameter="req", client_parameter=None
    )


@pytest.mark.parametrize(
    ("general", "special"),
    [("files/{id}", "files/special"), ("files/{*rest}", "files/{id}"), ("{*rest}", "files/{*rest}")],
)
def test_a_route_that_hides_another_is_refused(general, special) -> None:
    """The real host tries routes by the names of their functions, whatever their case."""
    assert len(compile_routes([_function("B", general), _function("a", special)])) == 2
    with pytest.raises(InvalidApp, match=r"'A' and 'b' both answer GET.*give 'A' a name that comes after"):
        compile_routes([_function("b", special), _function("A", general)])


def test_a_taken_port_is_one_sentence() -> None:
    """It names the port and the option that changes it."""
    with bind("127.0.0.1", 0) as taken, pytest.raises(CannotListen, match=rf"{taken.getsockname()[1]}.*--port"):
        bind("127.0.0.1", taken.getsockname()[1])
