"""The whole HTTP edge in process: the real app's functions behind the local host's router, on real local stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_host.http.http_server import build_app, compile_routes
from local_host.stores.stores import open_stores
from shared.domain.keys.pepper import Peppers
from shared.services import Services, use
from shared.settings import Settings
from tests.api import description
from tests.api.harness import (
    BLOCK_BYTES,
    KEY,
    LINE,
    MAX_FILE_BYTES,
    Clock,
    FakeClient,
    NoUpstream,
    app_index,
    with_client,
)
from tests.fake_receivers import FakeReceivers


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receivers() -> FakeReceivers:
    return FakeReceivers()


@pytest.fixture
async def services(tmp_path: Path, clock: Clock, receivers: FakeReceivers) -> AsyncIterator[Services]:
    stores = open_stores(tmp_path)
    settings = Settings(
        bootstrap_key=KEY,
        peppers=Peppers({"1": b"pepper" * 6}),
        upload_block_bytes=BLOCK_BYTES,
        max_file_bytes=MAX_FILE_BYTES,
    )
    built = Services(
        settings=settings,
        stores=stores,
        upstream=NoUpstream(),
        webhook_sender=receivers,
        now=clock,
    )
    with use(built):
        yield built
    await stores.close()


@pytest.fixture
def durable() -> FakeClient:
    return FakeClient()


@pytest.fixture
async def anonymous(services: Services, durable: FakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key. Answers that the OpenAPI document does not describe fail the test."""
    functions = [with_client(function, durable) for function in app_index().http]
    transport = httpx.ASGITransport(app=build_app(compile_routes(functions), "{}"))
    hooks = {"response": [description.check]}
    async with httpx.AsyncClient(transport=transport, base_url="http://service", event_hooks=hooks) as client:
        yield client


@pytest.fixture
async def api(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with the bootstrap key."""
    anonymous.headers["authorization"] = f"Bearer {KEY}"
    return anonymous


@pytest.fixture
def upload(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Upload a file as the OpenAI SDK does: text fields first."""

    async def send(
        content: bytes = LINE, name: str = "in.jsonl", path: str = "/v1/files", **fields: str
    ) -> httpx.Response:
        data = {"purpose": "batch"} | fields
        return await api.post(path, data=data, files={"file": (name, content, "application/octet-stream")})

    return send


@pytest.fixture
def create(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.Response]]:
    """Create a batch with valid parameters, changed by `changes`; a value of `...` leaves the parameter out."""

    async def send(path: str = "/v1/batches", **changes: Any) -> httpx.Response:
        body = {"input_file_id": "file-unknown", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        merged = {key: value for key, value in (body | changes).items() if value is not ...}
        return await api.post(path, json=merged)

    return send
