"""Which identity is asked for which token, on a loopback copy of the platform's endpoint, and what failures become."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from shared.azure.connect import azure_stores
from shared.azure.identity import StorageIdentity, service_credential
from shared.domain.deployments.deployment import Deployment, UpstreamKind
from shared.domain.errors import Unavailable
from shared.domain.upstream.outcome import classify
from shared.domain.upstream.upstream import FailureKind, Retry, UpstreamFailure, build_request
from shared.ports.stores import Stores
from shared.services import Services, _azure_services
from shared.upstream.client import UpstreamClient
from tests import identity_endpoint
from tests.identity_endpoint import IdentityEndpoint
from tests.starved import stretched
from tests.upstream.servers import OK, serving

CLIENT_ID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
CHAT = "/v1/chat/completions"
NOWHERE = "https://127.0.0.1:9/a"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with identity_endpoint.running(monkeypatch) as running:
        yield running


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> str:
    """An account that nobody answers for: what gets past the identity is `The storage account does not answer`."""
    for service in ("blob", "table"):
        monkeypatch.setenv(f"Files__{service}ServiceUri", NOWHERE)
    monkeypatch.setenv("Files__clientId", CLIENT_ID)
    return "Files"


@pytest.fixture
async def stores(settings: str) -> AsyncIterator[Stores]:
    opened = azure_stores(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def service(settings: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """The services as the function app builds them."""
    monkeypatch.setenv("BATCH_STORAGE", settings)
    built = _azure_services()
    yield built
    await built.upstream.close()
    await built.stores.close()


def azure_deployment(url: str) -> Deployment:
    return Deployment(name="m", kind=UpstreamKind.AZURE, base_url=url)


async def test_an_azure_upstream_is_called_as_the_identity_of_the_settings(service, endpoint):
    """By client id, for Azure OpenAI's resource, once for two calls; the token reaches the upstream."""
    requests = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        writer.write(OK)

    async with serving(behave) as url:
        for _ in range(2):
            await service.upstream.send(build_request(azure_deployment(url), CHAT, b"{}"))

    about = {"api-version": "2019-08-01", "resource": "https://cognitiveservices.azure.com", "client_id": CLIENT_ID}
    assert endpoint.asked == [about]
    assert [b"\r\nauthorization: bearer ey" in request.lower() for request in requests] == [True, True]


@pytest.mark.parametrize("status", [400, 500])
async def test_an_upstream_without_a_token_is_worth_another_attempt(endpoint, settings, status):
    """The line waits, as for an upstream that is down; nothing is sent."""
    endpoint.status = status
    client = UpstreamClient(max_response_bytes=1000, credential=lambda: service_credential(settings))
    answer = await client.send(build_request(azure_deployment(NOWHERE), CHAT, b"{}"))
    await client.close()

    assert isinstance(answer, UpstreamFailure)
    assert answer.kind is FailureKind.IDENTITY
    assert isinstance(classify(answer, azure_deployment(NOWHERE)), Retry)


async def test_the_app_s_own_identity_needs_no_client_id(endpoint, monkeypatch):
    """`__credential` alone means the system-assigned one."""
    monkeypatch.setenv("Files__credential", "managedidentity")
    credential = service_credential("Files")
    await credential.get_token("https://storage.azure.com/.default")
    await credential.close()

    assert endpoint.asked == [{"api-version": "2019-08-01", "resource": "https://storage.azure.com"}]


async def test_the_name_of_an_account_is_enough(monkeypatch):
    """`__accountName`, which the platform knows for its own connection, names both services."""
    monkeypatch.setenv("Files__accountName", "acct")
    stores = azure_stores("Files")
    await stores.close()

    assert stores.blobs._container.url.startswith("https://acct.blob.core.windows.net/")
    assert stores.files._table._client.url.startswith("https://acct.table.core.windows.net")


async def test_a_uri_comes_before_the_name(monkeypatch):
    """In a sovereign cloud the name alone would be wrong."""
    monkeypatch.setenv("Files__accountName", "acct")
    monkeypatch.setenv("Files__blobServiceUri", "https://acct.blob.core.usgovcloudapi.net")
    stores = azure_stores("Files")
    await stores.close()

    assert stores.blobs._container.url.startswith("https://acct.blob.core.usgovcloudapi.net/")


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_no_token_for_storage_points_at_the_identity(stores, endpoint, status):
    """Not at the account and its roles, which nobody has asked."""
    endpoint.status = status
    begun = time.monotonic()
    for call in (stores.blobs.size("plans/a"), stores.files.get("a", "0" * 32)):
        with pytest.raises(Unavailable, match="gets no token of its managed identity"):
            await call

    assert time.monotonic() - begun < stretched(20)


async def test_no_endpoint_for_tokens_is_the_same(stores, endpoint, monkeypatch):
    """The platform's side of the identity is away."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}/msi/token")
    with pytest.raises(Unavailable, match="gets no token of its managed identity"):
        await stores.blobs.size("plans/a")


async def test_an_endpoint_that_hangs_is_given_up(settings, endpoint):
    """In time for the caller, where the SDK would wait for minutes."""
    endpoint.hang_seconds = 60
    begun = time.monotonic()
    async with StorageIdentity(lambda: service_credential(settings), fetch_seconds=0.3) as identity:
        with pytest.raises(Unavailable, match="gets no token of its managed identity"):
            await identity.get_token("https://storage.azure.com/.default")

    assert time.monotonic() - begun < stretched(1)


async def test_a_failure_is_not_kept(stores, endpoint):
    """Once the endpoint answers, storage is asked at once."""
    endpoint.status = 400
    with pytest.raises(Unavailable, match="gets no token"):
        await stores.blobs.size("plans/a")
    endpoint.status = 200
    with pytest.raises(Unavailable, match="The storage account does not answer"):
        await stores.blobs.size("plans/a")


async def test_the_endpoint_s_answer_is_in_no_message(stores, endpoint):
    """Only in the exception's cause, for the log."""
    endpoint.status = 400
    with pytest.raises(Unavailable) as failure:
        await stores.blobs.size("plans/a")

    assert "no identity today" not in failure.value.message
    assert failure.value.__cause__ is not None
