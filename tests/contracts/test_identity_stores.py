"""The conformance suite with tokens in place of keys: URIs and a client id in the settings, Azurite over https."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from shared.azure.connect import azure_stores
from tests import azurite, azurite_with_oauth, identity_endpoint
from tests.contracts import test_batch_store, test_blob_store, test_chunk_store, test_heartbeat_store
from tests.contracts.conftest import fresh_names
from tests.identity_endpoint import IdentityEndpoint

CLIENT_ID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

for _suite in (test_batch_store, test_blob_store, test_chunk_store, test_heartbeat_store):
    globals().update({name: test for name, test in vars(_suite).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The URIs of an account that takes tokens. Without Azurite: a skip, but in CI a failure."""
    if not azurite.PROGRAM.exists():
        reason = "Azurite is not installed: run `npm ci`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with azurite_with_oauth.running(tmp_path_factory.mktemp("azurite_with_oauth")) as uris:
        yield uris


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with identity_endpoint.running(monkeypatch) as running:
        yield running


@pytest.fixture
def settings(account: dict[str, str], endpoint: IdentityEndpoint, monkeypatch: pytest.MonkeyPatch) -> str:
    """The prefix of settings as the Bicep templates write them."""
    monkeypatch.setenv("Files__blobServiceUri", account["blob"])
    monkeypatch.setenv("Files__tableServiceUri", account["table"])
    monkeypatch.setenv("Files__credential", "managedidentity")
    monkeypatch.setenv("Files__clientId", CLIENT_ID)
    return "Files"


@pytest.fixture(params=["identity"])
async def stores(settings: str) -> AsyncIterator[Any]:
    opened = azure_stores(settings, fresh_names())
    yield opened
    await opened.close()
    await asyncio.sleep(0.05)  # TLS connections say goodbye after they are closed.


async def test_the_identity_of_the_settings_is_asked_for_storage(stores, endpoint):
    """By client id, for storage and nothing else; all requests that follow share the token."""
    await stores.blobs.put("plans/a", b"x")
    for _ in range(5):
        await stores.blobs.size("plans/a")
        await stores.files.get("a", "0" * 32)

    about = {"api-version": "2019-08-01", "resource": "https://storage.azure.com", "client_id": CLIENT_ID}
    assert endpoint.asked == [about]


async def test_a_token_is_renewed_before_its_end(stores, endpoint, monkeypatch):
    """One with less than five minutes left is replaced; one with more is used."""
    monkeypatch.setattr("azure.identity._internal.utils.DEFAULT_TOKEN_REFRESH_RETRY_DELAY", 0)  # Is 30 seconds.
    endpoint.life_seconds = 200
    await stores.blobs.put("plans/a", b"x")
    endpoint.life_seconds = 3600
    so_far = len(endpoint.asked)
    await stores.blobs.size("plans/a")
    await stores.blobs.size("plans/a")

    assert len(endpoint.asked) == so_far + 1
