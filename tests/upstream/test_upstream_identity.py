import asyncio

import pytest
from azure.core.credentials import AccessToken

from shared.domain.upstream.upstream import FailureKind, UpstreamFailure, UpstreamResponse
from shared.upstream.client import UpstreamClient
from shared.upstream.identity import SCOPE, Identity, NoToken
from tests.upstream.servers import OK, post, serving


class FakeCredential:
    """Hands out `token-1`, `token-2`, … for an hour each, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.asked = 0
        self.closed = False
        self.now = 1000.0

    async def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        assert scopes == (SCOPE,)
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        return AccessToken(f"token-{self.asked}", int(self.now) + 3600)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def credential() -> FakeCredential:
    return FakeCredential()


async def test_token_is_sent(credential):
    """A request marked for the managed identity carries its token; one that is not carries none."""
    requests = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(OK)

    credential.now = 1e10
    client = UpstreamClient(max_response_bytes=1000, credential=lambda: credential)
    async with serving(behave) as url:
        marked = await client.send(post(url, identity=True))
        await client.send(post(url))
    await client.close()

    assert isinstance(marked, UpstreamResponse)
    assert b"\r\nAuthorization: Bearer token-1\r\n" in requests[0]
    assert b"authorization" not in requests[1].lower()
    assert credential.closed


async def test_no_token_is_a_failure_and_nothing_is_sent():
    """Without a token the call fails in words an operator understands, and the upstream is not asked."""
    requests = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(OK)

    credential = FakeCredential(RuntimeError("secret detail"))
    client = UpstreamClient(max_response_bytes=1000, credential=lambda: credential)
    async with serving(behave) as url:
        result = await client.send(post(url, identity=True))
    await client.close()

    assert isinstance(result, UpstreamFailure)
    assert result.kind is FailureKind.IDENTITY
    assert "managed identity" in result.detail
    assert "secret" not in result.detail
    assert requests == []


async def test_token_is_fetched_once(credential):
    """Sixty calls at once and those after them share one token."""
    identity = Identity(lambda: credential, lambda: credential.now)

    tokens = {*(await asyncio.gather(*(identity.token() for _ in range(60)))), await identity.token()}

    assert tokens == {"token-1"}
    assert credential.asked == 1


async def test_token_is_renewed_before_its_end(credential):
    """A token with less than five minutes left is replaced; one with more is used."""
    identity = Identity(lambda: credential, lambda: credential.now)
    await identity.token()
    credential.now += 3600 - 301
    assert await identity.token() == "token-1"
    credential.now += 2

    assert await identity.token() == "token-2"


async def test_failure_is_not_kept(credential):
    """A failed fetch is shared by those who wait for it, and the next call tries again."""
    identity = Identity(lambda: credential, lambda: credential.now)
    credential.error = RuntimeError("down")
    results = await asyncio.gather(*(identity.token() for _ in range(5)), return_exceptions=True)
    assert [NoToken] * 5 == [type(result) for result in results]
    assert credential.asked == 1
    credential.error = None

    assert await identity.token() == "token-2"


async def test_cancelled_caller_does_not_take_the_token_with_it(credential):
    """One caller's cancellation leaves the fetch to the others."""
    identity = Identity(lambda: credential, lambda: credential.now)
    first = asyncio.create_task(identity.token())
    second = asyncio.create_task(identity.token())
    await asyncio.sleep(0)
    first.cancel()

    assert await second == "token-1"
    assert credential.asked == 1
