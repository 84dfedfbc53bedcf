import asyncio

from shared.answer_room import AnswerRoom
from shared.domain.upstream.upstream import (
    FailureKind,
    UpstreamAnswer,
    UpstreamFailure,
    UpstreamRequest,
    UpstreamResponse,
)
from shared.upstream.client import UpstreamClient
from tests.upstream.servers import post, serving


async def sent(client: UpstreamClient, room: AnswerRoom, request: UpstreamRequest) -> UpstreamAnswer:
    """The answer is held no longer than it is read."""
    with room.share() as share:
        return await client.send(request, share)


async def test_answers_share_a_room():
    """Many large answers at once are read in turn: what is held of all stays near the room, and each arrives whole."""
    client, room = UpstreamClient(max_response_bytes=4_000_000), AnswerRoom(1_000_000)
    held = 0

    async def behave(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
        for _ in range(30):
            writer.write(b" " * 100_000)
            await writer.drain()

    async def watch() -> None:
        nonlocal held
        while True:
            held = max(held, -room.left)
            await asyncio.sleep(0)

    async with serving(behave) as url:
        watching = asyncio.create_task(watch())
        results = await asyncio.gather(*(sent(client, room, post(url, seconds=30)) for _ in range(20)))
        watching.cancel()
        left = room.left
    await client.close()

    assert [len(result.body) for result in results if isinstance(result, UpstreamResponse)] == [3_000_000] * 20
    assert 0 < held <= 3_000_000
    assert left == 1_000_000


async def test_time_holds_where_there_is_no_room():
    """An answer that waits for room is given up when its time is over, and leaves the room as it was."""
    client, room = UpstreamClient(max_response_bytes=400_000), AnswerRoom(1)

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        slow = b"slow" in request
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b" " * (150_000 if slow else 200_000))
        await writer.drain()
        if slow:
            await asyncio.sleep(60)

    async with serving(behave) as url:
        ahead = asyncio.create_task(sent(client, room, post(url, seconds=1.0, body=b"slow")))
        await asyncio.sleep(0.1)
        waited = await sent(client, room, post(url, seconds=0.3))
        stalled = await ahead
        result = await sent(client, room, post(url))
        left = room.left
    await client.close()

    for failure in (waited, stalled):
        assert isinstance(failure, UpstreamFailure)
        assert failure.kind is FailureKind.TIMEOUT
    assert isinstance(result, UpstreamResponse)
    assert left == 1
