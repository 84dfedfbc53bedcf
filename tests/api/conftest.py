"""The whole HTTP edge in process: the real app's functions behind the local host's router, on real local stores."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_host.function_index import FunctionIndex, HttpFunction, index
from local_host.http_server import build_app, compile_routes
from local_host.stores import open_stores
from shared.domain.upstream import UpstreamAnswer, UpstreamRequest
from shared.services import Services, use
from shared.settings import Settings

KEY = "test-key"
ROOT = Path(__file__).parents[2]
BLOCK_BYTES = 1024
MAX_FILE_BYTES = 10_000


class FakeClient:
    """A durable client that remembers what it was asked to start."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str | None, Any]] = []
        self.error: Exception | None = None

    async def start_new(self, name: str, instance_id: str | None = None, client_input: Any | None = None) -> str:
        if self.error:
            raise self.error
        self.started.append((name, instance_id, client_input))
        return instance_id or ""


class NoUpstream:
    """The HTTP edge calls no upstream."""

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        raise AssertionError("the API called an upstream")

    async def close(self) -> None: ...


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **interval: float) -> None:
        self.now += timedelta(**interval)


@cache
def app_index() -> FunctionIndex:
    """The functions of a fresh copy of the app: an app can be indexed once only."""
    return index(runpy.run_path(str(ROOT / "function_app.py"))["app"])


def with_client(function: HttpFunction, client: FakeClient) -> HttpFunction:
    """The function with `client` in place of the durable client that the platform would build."""
    if function.client_parameter is None:
        return function
    inner: Callable[..., Awaitable[Any]] = function.call.client_function
    name = function.client_parameter

    async def call(req: Any) -> Any:
        return await inner(req=req, **{name: client})

    return dataclasses.replace(function, call=call, client_parameter=None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def services(tmp_path: Path, clock: Clock) -> AsyncIterator[Services]:
    stores = open_stores(tmp_path)
    blobs, files, batches = stores
    settings = Settings(bootstrap_key=KEY, upload_block_bytes=BLOCK_BYTES, max_file_bytes=MAX_FILE_BYTES)
    with use(
        Services(settings=settings, blobs=blobs, files=files, batches=batches, upstream=NoUpstream(), now=clock)
    ) as installed:
        yield installed
    await stores.close()


@pytest.fixture
def durable() -> FakeClient:
    return FakeClient()


@pytest.fixture
async def anonymous(services: Services, durable: FakeClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key."""
    functions = [with_client(function, durable) for function in app_index().http]
    transport = httpx.ASGITransport(app=build_app(compile_routes(functions), "{}"))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.fixture
async def api(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with the bootstrap key."""
    anonymous.headers["authorization"] = f"Bearer {KEY}"
    return anonymous


LINE = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'


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
