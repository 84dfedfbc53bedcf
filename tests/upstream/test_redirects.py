import asyncio

import pytest

from shared.domain.upstream.upstream import FailureKind, UpstreamAnswer, UpstreamFailure, UpstreamResponse
from shared.upstream.client import UpstreamClient
from tests.upstream.servers import OK, Behave, post, serving


@pytest.fixture
async def client():
    client = UpstreamClient(max_response_bytes=100_000)
    yield client
    await client.close()


def moving(requests: list[bytes], location: str, *, times: int = 1, status: int = 307) -> Behave:
    """Answers the first calls with a redirect, the others well."""

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        moved = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        writer.write(moved.encode() if len(requests) <= times else OK)

    return behave


async def ask(client: UpstreamClient, behave: Behave, **changes) -> UpstreamAnswer:
    async with serving(behave) as url:
        return await client.send(post(url, **changes))


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(
    "location", ["/v1/chat/completions/?a=b", "completions/?a=b", "//{host}/v1/chat/completions/?a=b"]
)
async def test_redirect_within_the_origin(client, status, location):
    """A redirect to another path of the same server is followed with the same method, headers and body."""
    requests: list[bytes] = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        host = request.lower().split(b"host: ")[1].split(b"\r\n")[0].decode()
        await moving(requests, location.format(host=host), status=status)(request, writer)

    result = await ask(client, behave, body=b'{"a":1}')

    assert isinstance(result, UpstreamResponse)
    assert result.body == b'{"ok": true}'
    assert [request.partition(b" HTTP/1.1")[0] for request in requests] == [
        b"POST /v1/chat/completions",
        b"POST /v1/chat/completions/?a=b",
    ]
    assert requests[0].partition(b"\r\n")[2] == requests[1].partition(b"\r\n")[2]


async def test_redirects_end(client):
    """A server that redirects for ever is asked four times."""
    requests: list[bytes] = []
    result = await ask(client, moving(requests, "/again", times=100))

    assert isinstance(result, UpstreamResponse)
    assert result.status == 307
    assert len(requests) == 4


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (307, "http://localhost:{port}/v1"),
        (307, "https://127.0.0.1:{port}/v1"),
        (307, "http://127.0.0.1/v1"),
        (307, "//elsewhere.invalid/v1"),
        (307, "http://127.0.0.1:{port}@elsewhere.invalid/v1"),
        (307, "http://127.0.0.1:{port}\\@elsewhere.invalid/v1"),
        (307, "http://[::1/v1"),
        (307, "http://127.0.0.1:99999/v1"),
        (307, ""),
        (301, "/elsewhere"),
        (302, "/elsewhere"),
        (303, "/elsewhere"),
    ],
)
async def test_redirect_that_is_not_followed(client, status, location):
    """One to another origin, or that would lose the body, is the answer: credentials and prompts go nowhere else."""
    requests: list[bytes] = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        await moving(requests, location.format(port=port), status=status)(request, writer)

    async with serving(behave) as url:
        port = url.rsplit(":", 1)[1]
        result = await client.send(post(url))

    assert isinstance(result, UpstreamResponse)
    assert result.status == status
    assert len(requests) == 1


async def test_redirects_share_the_time(client):
    """The time is for the call and its redirects together."""

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.25)
        writer.write(b"HTTP/1.1 307 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    result = await ask(client, behave, seconds=0.4)

    assert isinstance(result, UpstreamFailure)
    assert result.kind is FailureKind.TIMEOUT
